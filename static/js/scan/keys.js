/* A USB or Bluetooth scanner is a very fast typist that ends with Enter. What people type in fields is left alone. */
const PAUSE = 500, FAST = 100, LEAST = 8; // ms that begin a new text, ms a key on the average, keys

export function listen(found) {
  let typed = '', first = 0, last = 0;
  document.addEventListener('keydown', function (event) {
    const at = event.target, now = event.timeStamp; // when the key went down, however busy the page has been since
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (at.matches && at.matches('input, textarea, select')) return;
    if (now - last > PAUSE) typed = '';
    last = now;
    if (event.key === 'Enter') {
      const text = typed;
      typed = '';
      if (text.length < LEAST || (now - first) / text.length > FAST) return;
      event.preventDefault(); // else the focused button is pressed as well
      found(text);
    } else if (event.key.length === 1) {
      if (!typed) first = now;
      typed += event.key;
    }
  }, true);
}
