/* A USB or Bluetooth scanner is a very fast typist that ends with Enter. What people type in fields is left alone; a list
   to choose from takes no text, and a scanner must not choose in it: arrows and the space bar stay. The class form is
   guarded whole: a scanner there would change the number and confirm it. */
const BY_KEY = 1000;
const PAUSE = 500, FAST = 100; // ms that begin a new text, ms a key on the average
const LEAST = 8, MORE_THAN_A_NUMBER = 4; // keys; the class form takes three digits

function fits(at, selector) { return Boolean(at.closest && at.closest(selector)); }

export function listen(found) {
  let typed = '', first = 0, last = 0, moved = -BY_KEY, before = null; // before: the field that keys fall into, as it was
  document.addEventListener('keydown', function (event) {
    const at = event.target, now = event.timeStamp; // when the key went down, however busy the page has been since
    const isField = fits(at, 'input, textarea'), isGuarded = fits(at, '#party'), isList = fits(at, 'select');
    if (event.ctrlKey || event.metaKey || event.altKey || (isField && !isGuarded)) return;
    if (isList && event.key !== 'Enter') moved = now;
    if (isList && event.key.length === 1 && event.key !== ' ') event.preventDefault();
    if (now - last > PAUSE) { typed = ''; before = null; }
    last = now;
    if (event.key === 'Enter') {
      const text = typed, fell = before;
      typed = '';
      before = null;
      if (text.length < (isGuarded ? MORE_THAN_A_NUMBER : LEAST) || (now - first) / text.length > FAST) return;
      event.preventDefault(); // else the focused button is pressed, or the form sent, as well
      if (fell) fell.field.value = fell.value;
      found(text);
    } else if (event.key.length === 1) {
      if (!typed) first = now;
      typed += event.key;
      if (isField && !before) before = { field: at, value: at.value };
    }
  }, true);
  // Chosen by thumb or mouse: the focus leaves the list. Who walks through it by keys stays in it.
  document.addEventListener('change', function (event) {
    if (event.target.matches('select') && event.timeStamp - moved > BY_KEY) event.target.blur();
  });
}
