/* A USB or Bluetooth scanner is a very fast typist that ends with Enter. What people type in fields is left alone; a list
   to choose from takes no text, and a scanner must not choose in it: arrows and the space bar stay. */
const BY_KEY = 1000;
const PAUSE = 500, FAST = 100, LEAST = 8; // ms that begin a new text, ms a key on the average, keys

export function listen(found) {
  let typed = '', first = 0, last = 0, moved = -BY_KEY;
  document.addEventListener('keydown', function (event) {
    const at = event.target, now = event.timeStamp; // when the key went down, however busy the page has been since
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (at.matches && at.matches('input, textarea')) return;
    const isList = Boolean(at.matches && at.matches('select'));
    if (isList && event.key !== 'Enter') moved = now;
    if (isList && event.key.length === 1 && event.key !== ' ') event.preventDefault();
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
  // Chosen by thumb or mouse: the focus leaves the list. Who walks through it by keys stays in it.
  document.addEventListener('change', function (event) {
    if (event.target.matches('select') && event.timeStamp - moved > BY_KEY) event.target.blur();
  });
}
