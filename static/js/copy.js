/* Copies a field's text: data-copy="id of the field". Without scripts the text is there to be selected. */
(function () {
  'use strict';
  function byHand(source) {
    source.focus();
    source.select();
    try { return document.execCommand('copy'); } catch (_refused) { return false; }
  }
  function tell(button, done) {
    var place = button.parentNode.querySelector('[data-copied]') || document.querySelector('[data-copied]');
    var words = done ? button.getAttribute('data-done') : '没能自动复制，文字已选中，请按复制。';
    if (place) place.textContent = words;
  }
  var buttons = document.querySelectorAll('[data-copy]');
  Array.prototype.forEach.call(buttons, function (button) {
    var source = document.getElementById(button.getAttribute('data-copy'));
    if (!source) return;
    button.hidden = false;
    button.addEventListener('click', function () {
      if (!navigator.clipboard) return tell(button, byHand(source));
      navigator.clipboard.writeText(source.value).then(
        function () { tell(button, true); },
        function () { tell(button, byHand(source)); }
      );
    });
  });
})();
