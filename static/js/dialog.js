/* Shows a confirming page in a dialog; without it the link opens the page. */
(function () {
  'use strict';
  if (!window.HTMLDialogElement || !window.fetch) return;
  document.addEventListener('click', function (event) {
    var link = event.target.closest && event.target.closest('a[data-dialog]');
    if (!link || event.metaKey || event.ctrlKey || event.shiftKey) return;
    event.preventDefault();
    fetch(link.href, { credentials: 'same-origin' }).then(function (answer) {
      if (!answer.ok || answer.redirected) throw new Error('page');
      return answer.text();
    }).then(function (text) {
      var form = new DOMParser().parseFromString(text, 'text/html').getElementById('confirm');
      if (!form) throw new Error('form');
      var dialog = document.createElement('dialog');
      dialog.className = 'dialog';
      dialog.setAttribute('aria-labelledby', 'confirm-t');
      dialog.appendChild(document.adoptNode(form));
      document.body.appendChild(dialog);
      dialog.addEventListener('close', function () { dialog.remove(); link.focus(); });
      dialog.addEventListener('click', function (inside) {
        if (inside.target.closest('[data-close]')) { inside.preventDefault(); dialog.close(); }
      });
      dialog.showModal();
      // Loss is never one key away: the first field, else the way back.
      var first = dialog.querySelector('input:not([type="hidden"]), textarea, select') || dialog.querySelector('[data-close]');
      if (first) first.focus();
    }).catch(function () { window.location.assign(link.href); });
  });
})();
