/* The venue screen: five steps in hand, so that a lost minute of network does not blank it, and it says so. */
(function () {
  'use strict';
  var main = document.getElementById('main'), address = main.getAttribute('data-steps');
  var news = JSON.parse(main.getAttribute('data-news')), phase = news.phase, page = news.page;
  var plate = document.querySelector('.dial .plate'), digits = document.getElementById('digits');
  var seeds = document.querySelectorAll('.dial [transform]'), count = document.getElementById('count');
  // Two polls and a bit. No answer, a stranger's answer and an error are all the same: silence.
  var SILENT = 9000;
  // `offset` is the server's time less clock(), `heard` the clock() of the last answer.
  var steps = {}, last = 0, seconds = 20, offset = 0, heard = -Infinity, drawn = null;
  var even = window.performance && performance.now ? function () { return performance.now(); } : Date.now;
  var evenBefore = even(), wallBefore = Date.now(), passed = 0, leapt = false;

  // Milliseconds since the script began. A TV's time of day is set while it runs, and `performance` sleeps with the TV:
  // where they differ, the later one holds, since a code that is shown too long sends people away.
  function clock() {
    var evenNow = even(), wallNow = Date.now(), ran = evenNow - evenBefore, went = wallNow - wallBefore;
    evenBefore = evenNow;
    wallBefore = wallNow;
    if (went > ran + 1000) leapt = true;
    passed += Math.max(went > ran + 1000 ? went : ran, 0);
    return passed;
  }
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
  function write(id, text) {
    var found = document.getElementById(id);
    if (found && found.textContent !== text) found.textContent = text;
  }
  // 20:31 in Shanghai, whatever the TV believes to be its zone.
  function minute(stamp) {
    return new Date(stamp + 8 * 3600000).toISOString().slice(11, 16);
  }
  function say(moment, step, row) {
    var silent = clock() - heard > SILENT, lost = phase === 'open' ? !row : phase === 'soon' && silent && moment >= news.until;
    var weak = silent && Boolean(row);
    show('net-good', !silent && !lost);
    show('net-weak', weak);
    show('net-lost', lost);
    show('net-stale', silent && !lost && !weak);
    show('word', phase !== 'open' || lost);
    show('word-phase', !lost);
    show('word-lost', lost);
    show('desk', lost);
    show('how', !lost);
    show('short', !lost);
    show('where', !lost);
    show('turns', !silent && !lost);
    show('empty-handed', !lost);
    show('count-now', !silent);
    show('count-old', silent);
    if (!weak) return;
    while (steps[step + 1]) step++;
    write('net-until', minute((step + 1) * seconds * 1000));
  }
  function draw(row) {
    if (row === drawn || !plate) return;
    drawn = row;
    // An old code that stays on the screen would send people away: better none.
    if (row) {
      var size = row.rows.length + 8;
      plate.setAttribute('viewBox', '0 0 ' + size + ' ' + size);
      plate.querySelector('path').setAttribute('d', path(row.rows));
      plate.removeAttribute('hidden');
    } else plate.setAttribute('hidden', '');
    digits.textContent = row ? row.digits : '··· ···';
  }
  function stepAt(moment) {
    return Math.floor(moment / 1000 / seconds);
  }
  function tick() {
    var moment = clock() + offset, step = stepAt(moment), row = phase === 'open' ? steps[step] : undefined, i, old;
    var over = Math.floor(moment / 1000) % seconds;
    if (leapt) { leapt = false; ask(); }
    for (i = 0; i < seeds.length; i++) seeds[i].setAttribute('class', !row || i < over ? 'gone' : 'dot');
    draw(row);
    say(moment, step, row);
    for (old in steps) if (Number(old) < step - 1) delete steps[old];
  }
  function isRow(row) {
    return Boolean(row) && row.step > 0 && typeof row.digits === 'string' && row.rows instanceof Array && typeof row.rows[0] === 'string';
  }
  function isNews(body) {
    return Boolean(body) && typeof body.now === 'number' && body.seconds > 0 && typeof body.page === 'number' &&
      typeof body.count === 'number' && body.steps instanceof Array && body.steps.every(isRow);
  }
  // `at` is the clock() at which the server's `now` was true, `after` the last step that was held when it was asked.
  function read(body, at, after) {
    var i;
    if (at < heard) return;
    // What stands here is old: until the new page is there this counts as silence.
    if (body.page !== page) return renew();
    heard = at;
    offset = body.now - at;
    seconds = body.seconds;
    for (i = 0; i < body.steps.length; i++) {
      steps[body.steps[i].step] = body.steps[i];
      last = Math.max(last, body.steps[i].step);
    }
    write('count', String(body.count).replace(/\B(?=(\d{3})+$)/g, ','));
    count.setAttribute('class', body.count > 999 ? 'code many' : 'code');
    // The server's clock went back, so that what is held is all still to come.
    if (phase === 'open' && after && !steps[stepAt(clock() + offset)]) { steps = {}; last = 0; ask(); }
    tick();
  }
  // A reload that a proxy answers would hang its error page on the wall: first see that our own page is there.
  function renew() {
    var request = new XMLHttpRequest();
    request.open('GET', window.location.href);
    request.timeout = 6000;
    request.onload = function () {
      if (request.status === 200 && / data-steps="| name="digits"/.test(request.responseText)) window.location.reload();
    };
    request.send();
  }
  function ask() {
    var request = new XMLHttpRequest(), sent = clock(), after = last;
    request.open('GET', address + (after ? '?after=' + after : ''));
    request.timeout = 6000;
    request.onload = function () {
      var body, arrived = clock();
      // The login page of a Wi-Fi also answers 200, or 404: only our own words count.
      try { body = JSON.parse(request.responseText); } catch (stranger) { return; }
      if (request.status === 404 && body && body.error === 'closed') return renew();
      // Slower than the time-out: the TV slept meanwhile, and half of the way is no measure.
      if (request.status === 200 && isNews(body) && arrived - sent < 8000) read(body, (sent + arrived) / 2, after);
    };
    request.send();
  }
  // How old the page was when this script ran: a network that is nearly lost may bring it a minute later.
  function age() {
    var timing = window.performance && performance.timing;
    if (!timing || !timing.responseStart || !performance.now) return 0;
    return Math.max(performance.now() - (timing.responseStart - timing.navigationStart), 0);
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
  read(news, clock() - age(), 0);
  ask();
  window.setInterval(ask, 4000);
  window.setInterval(tick, 250);
})();
