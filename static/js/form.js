/* Buttons that write rest while busy; a changed form asks before it is left; a lost network is said in words. */
(function () {
  'use strict';
  var dirty = null;
  function buttons(form) { return form.querySelectorAll('button:not([type="button"]), input[type="submit"]'); }
  function rest(form, pressed) {
    var all = buttons(form);
    for (var i = 0; i < all.length; i++) if (!all[i].disabled) { all[i].disabled = true; all[i].setAttribute('data-rested', ''); }
    if (pressed && pressed.classList.contains('btn')) {
      pressed.setAttribute('aria-busy', 'true');
      var text = pressed.getAttribute('data-busy');
      if (text) { pressed.setAttribute('data-word', pressed.innerHTML); pressed.textContent = text; }
    }
  }
  function wake(root) {
    var all = root.querySelectorAll('[data-rested]');
    for (var i = 0; i < all.length; i++) {
      all[i].disabled = false;
      all[i].removeAttribute('data-rested');
      all[i].removeAttribute('aria-busy');
      if (all[i].hasAttribute('data-word')) { all[i].innerHTML = all[i].getAttribute('data-word'); all[i].removeAttribute('data-word'); }
    }
  }
  var last = null;
  document.addEventListener('click', function (event) {
    last = event.target.closest ? event.target.closest('button') : null;
  });
  document.addEventListener('submit', function (event) {
    var form = event.target, pressed = event.submitter || last;
    dirty = null;
    if ((form.getAttribute('method') || '').toLowerCase() !== 'post') return;
    // Trap: a button disabled within this event is left out of what is sent.
    setTimeout(function () { if (!event.defaultPrevented || form.hasAttribute('hx-post')) rest(form, pressed); }, 0);
  });
  window.addEventListener('pageshow', function (event) { if (event.persisted) wake(document); });
  document.addEventListener('htmx:afterRequest', function () { wake(document); });
  document.addEventListener('wake', function () { wake(document); });
  document.addEventListener('input', function (event) {
    var form = event.target.form;
    if (form && form.hasAttribute('data-guard')) dirty = form;
  });
  window.addEventListener('beforeunload', function (event) {
    if (dirty && document.contains(dirty)) { event.preventDefault(); event.returnValue = ''; }
  });
  document.addEventListener('htmx:sendError', function () {
    var place = document.getElementById('flash');
    if (!place) return;
    place.innerHTML = '<div class="note warn"><span></span><div><b>网络断了，没有送到</b><p>填的内容还在这一页。网络恢复后再点一次，不会重复记录。</p></div></div>';
    place.scrollIntoView({ block: 'center' });
  });
  function focus() {
    var summary = document.querySelector('[data-focus]');
    if (summary) summary.focus();
  }
  focus();
  document.addEventListener('htmx:afterSettle', focus);
})();
