/* A USB or Bluetooth scanner is a very fast typist that ends with Enter. What people type in fields is left alone. */
const FAST = 60, LEAST = 8;

export function listen(found) {
  let typed = '', last = 0;
  document.addEventListener('keydown', function (event) {
    const at = event.target, now = performance.now();
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (at.matches && at.matches('input, textarea, select')) return;
    if (now - last > FAST) typed = '';
    last = now;
    if (event.key === 'Enter') {
      const text = typed;
      typed = '';
      if (text.length < LEAST) return;
      event.preventDefault(); // else the focused button is pressed as well
      found(text);
    } else if (event.key.length === 1) {
      typed += event.key;
    }
  }, true);
}
