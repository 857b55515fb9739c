/* The venue screen: five steps in hand, so that a lost minute of network does not blank it, and it says so. */
(function () {
  'use strict';
  var main = document.getElementById('main'), address = main.getAttribute('data-steps');
  var plate = document.querySelector('.dial .plate'), digits = document.getElementById('digits');
  var seeds = document.querySelectorAll('.dial [transform]'), count = document.getElementById('count');
  var phase = main.getAttribute('data-phase');
  // Local clocks of TVs are wrong: `offset` is the server's time less ours, `missed` counts lost answers.
  var steps = {}, last = 0, seconds = 20, offset = null, shown = 0, missed = 0;

  function path(rows) {
    var made = '', y, x, run;
    for (y = 0; y < rows.length; y++) {
      for (x = 0; x < rows[y].length; x += run || 1) {
        run = 0;
        while (rows[y].charAt(x + run) === '1') run++;
        if (run) made += 'M' + (x + 4) + ' ' + (y + 4) + 'h' + run + 'v1h-' + run + 'z';
      }
    }
    return made;
  }
  function show(id, visible) {
    var found = document.getElementById(id);
    if (found) found.hidden = !visible;
  }
  function network(held) {
    show('net-good', missed < 2);
    show('net-weak', missed >= 2 && held);
    show('net-lost', missed >= 2 && !held);
  }
  function tick() {
    if (offset === null || phase !== 'open') return;
    var moment = Math.floor((Date.now() + offset) / 1000), step = Math.floor(moment / seconds), row = steps[step], i;
    for (i = 0; i < seeds.length; i++) seeds[i].setAttribute('class', !row || i < moment % seconds ? 'gone' : 'dot');
    network(Boolean(row));
    if (step === shown) return;
    shown = step;
    // An old code that stays on the screen would send people away: better none.
    if (row) {
      var size = row.rows.length + 8;
      plate.setAttribute('viewBox', '0 0 ' + size + ' ' + size);
      plate.querySelector('path').setAttribute('d', path(row.rows));
      plate.removeAttribute('hidden');
      digits.textContent = row.digits;
    } else {
      plate.setAttribute('hidden', '');
      digits.textContent = '··· ···';
    }
    for (var old in steps) if (Number(old) < step - 1) delete steps[old];
  }
  function read(body, sent) {
    var i, arrived = Date.now();
    // The clock of the server when it answered, half of the way back.
    offset = body.now + (arrived - sent) / 2 - arrived;
    seconds = body.seconds;
    missed = 0;
    if (body.phase !== phase) return window.location.reload();
    for (i = 0; i < body.steps.length; i++) {
      steps[body.steps[i].step] = body.steps[i];
      last = Math.max(last, body.steps[i].step);
      if (body.steps[i].step === shown) shown = 0;
    }
    count.textContent = String(body.count).replace(/\B(?=(\d{3})+$)/g, ',');
  }
  function ask() {
    var request = new XMLHttpRequest(), sent = Date.now();
    request.open('GET', address + (last ? '?after=' + last : ''));
    request.timeout = 6000;
    request.onload = function () {
      if (request.status === 404) return window.location.reload();
      if (request.status !== 200) { missed += 1; return; }
      read(JSON.parse(request.responseText), sent);
    };
    request.onerror = request.ontimeout = function () { missed += 1; };
    request.send();
  }
  function stayAwake() {
    if (navigator.wakeLock) navigator.wakeLock.request('screen').catch(function () {});
  }
  var full = document.getElementById('full');
  if (document.documentElement.requestFullscreen) {
    full.hidden = false;
    full.addEventListener('click', function () { document.documentElement.requestFullscreen().catch(function () {}); });
    document.addEventListener('fullscreenchange', function () { full.hidden = Boolean(document.fullscreenElement); });
  }
  document.addEventListener('visibilitychange', function () { if (!document.hidden) { stayAwake(); ask(); } });
  stayAwake();
  ask();
  window.setInterval(ask, 4000);
  window.setInterval(tick, 250);
})();
