/* A form that takes long says how far it is and can be stopped. `data-run` is the run's address, or empty where
   nothing is written: then stopping only drops the request. The page lives on until the answer comes. */
(function () {
  'use strict';
  var form = document.querySelector('form[data-run]');
  var panel = form && form.querySelector('[data-running]');
  if (!panel) return;
  var far = panel.querySelector('[data-far]'), bar = panel.querySelector('progress'), stop = panel.querySelector('[data-stop]');
  var first = far.textContent, timer = null, writes = false;
  function show(found) {
    if (!found.total) return;
    bar.hidden = false;
    bar.max = found.total;
    bar.value = found.done;
    far.textContent = '已登记 ' + found.done + ' / ' + found.total + '，全部成功才算数';
  }
  function ask() {
    fetch(form.getAttribute('data-run'), { credentials: 'same-origin', cache: 'no-store' })
      .then(function (answer) { return answer.ok ? answer.json() : {}; })
      .then(show, function () {})
      .then(function () { if (timer) timer = setTimeout(ask, 400); });
  }
  function rest() {
    clearTimeout(timer);
    timer = null;
    panel.hidden = true;
    bar.hidden = true;
    far.textContent = first;
    stop.disabled = false;
  }
  form.addEventListener('submit', function (event) {
    if (event.defaultPrevented) return;
    writes = Boolean(form.getAttribute('data-run') && event.submitter && event.submitter.value === 'confirm');
    panel.hidden = false;
    panel.scrollIntoView({ block: 'nearest' });
    if (writes) timer = setTimeout(ask, 300);
  });
  stop.addEventListener('click', function () {
    stop.disabled = true;
    if (!writes) {
      window.stop();
      rest();
      document.dispatchEvent(new CustomEvent('wake'));
      return;
    }
    far.textContent = '正在停下…';
    clearTimeout(timer);
    timer = null;
    var said = new FormData();
    said.append('csrf_token', form.querySelector('[name=csrf_token]').value);
    // The answer to the form itself says whether it was in time.
    fetch(form.getAttribute('data-run'), { method: 'POST', body: said, credentials: 'same-origin' })
      .catch(function () { stop.disabled = false; });
  });
  window.addEventListener('pageshow', function (event) { if (event.persisted) rest(); });
})();
