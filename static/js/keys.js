/* Single keys for who reads many cases: data-key on a link or button, 1–9 for the radios of a form with data-keys. */
(function () {
  'use strict';
  document.addEventListener('keydown', function (event) {
    if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
    var at = event.target;
    var writing = at.matches && at.matches('textarea, select, [contenteditable], input:not([type="radio"]):not([type="checkbox"])');
    if (writing || document.querySelector('dialog[open]')) return;
    var key = event.key.toLowerCase();
    if (/^[1-9]$/.test(key)) {
      var radios = document.querySelectorAll('[data-keys] input[type="radio"]'), chosen = radios[Number(key) - 1];
      if (chosen) { event.preventDefault(); chosen.focus(); chosen.click(); }
      return;
    }
    if (!/^[a-z]$/.test(key)) return;
    var act = document.querySelector('[data-key="' + key + '"]');
    if (act && !act.disabled) { event.preventDefault(); act.focus(); act.click(); }
  });
})();
