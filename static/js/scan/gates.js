/* The session at the top of the page, large: it follows the clock, and the helper may choose another one. */
import { clockText, dayText } from './clock.js';
import { byId, isOpen, say } from './show.js';
import { signal } from './sound.js';
import * as store from './store.js';
import { choose, due, pick, remark } from './which.js';

const TICK = 5000, NEWS = 120000;

/* {code(), name(code), load(), follow()}; `changed()` when it is another session. */
export function createGates(roster, changed) {
  let code = '', choice = null, timer = 0;

  function named(one) {
    const days = new Set(roster.sessions().map(function (each) { return dayText(each.starts_at); }));
    const day = days.size > 1 ? dayText(one.starts_at) : '';
    return [one.label, day, clockText(one.starts_at) + '–' + clockText(one.ends_at)].filter(Boolean).join(' ');
  }

  function name(which) {
    const one = roster.sessions().find(function (each) { return each.code === which; });
    return one ? named(one) : '';
  }

  function words() {
    const sessions = roster.sessions(), moment = roster.now(), what = remark(code, sessions, moment);
    const one = sessions.find(function (each) { return each.code === code; }), now = due(sessions, moment).one;
    const clock = one ? [dayText(one.opens_at) === dayText(moment) ? '' : dayText(one.opens_at), clockText(one.opens_at)].join('') : '';
    if (what === 'early') return '这一场还没开始签到，' + clock + '开始。';
    const other = now && now.code !== code ? '现在是“' + named(now) + '”的时间。' : '';
    return { over: '这一场的签到已经结束。' + other, other: '您选了这一场。' + other }[what] || '';
  }

  function draw() {
    const select = byId('session'), sessions = roster.sessions(), names = sessions.map(named).join();
    if (select.dataset.names !== names) { // a list that somebody has open is left alone
      select.dataset.names = names;
      select.textContent = '';
      sessions.forEach(function (one) { select.appendChild(new Option(named(one), one.code)); });
    }
    if (select.value !== code) select.value = code;
    byId('session-one').hidden = sessions.length !== 1;
    byId('session-one').textContent = sessions.length ? named(sessions[0]) : '';
    byId('session-field').hidden = sessions.length < 2;
    byId('v-session').textContent = sessions.length < 2 ? '' : name(code);
    const said = sessions.length < 2 ? '' : words();
    if (byId('session-word').textContent !== said) byId('session-word').textContent = said;
  }

  function news(isNew) {
    clearTimeout(timer);
    byId('session-news').hidden = !isNew;
    if (isNew) timer = setTimeout(news, NEWS, false);
  }

  /* Also before each scan: no timer runs while a phone sleeps. A number that is being asked for keeps its session. */
  function follow() {
    if (isOpen('party')) return;
    const before = code;
    code = pick(choice, roster.sessions(), roster.now());
    draw();
    if (code === before) return;
    changed();
    if (!before || !name(before)) return;
    news(true);
    say('换了一场，现在给' + name(code) + '签到');
    signal('warn');
  }

  byId('session').addEventListener('change', function () {
    choice = choose(byId('session').value, roster.sessions(), roster.now());
    store.keep('choice', choice);
    code = choice.code;
    changed();
    news(false);
    draw();
  });
  window.setInterval(follow, TICK);
  document.addEventListener('visibilitychange', follow);

  return {
    code: function () { return code; },
    name: name,
    follow: follow,
    load: async function () { choice = (await store.kept('choice')) || null; },
  };
}
