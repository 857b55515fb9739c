/* Sends the queue. An event leaves it only when the server says that it is stored; everything else keeps it. */
import { moment } from './clock.js';
import * as store from './store.js';

const BATCH = 50, PATIENCE = 10000, SLOWEST = 30000, BEAT = 59000;
const SENT = ['uid', 'counter', 'session', 'kind', 'ticket', 'code', 'walk_in', 'people', 'refers_to', 'device_at', 'mono', 'life', 'by'];

/* fetch that gives up. */
export function ask(address, options, patience) {
  const stop = new AbortController();
  const timer = setTimeout(function () { stop.abort(); }, patience || PATIENCE);
  return fetch(address, Object.assign({ credentials: 'same-origin', cache: 'no-store', signal: stop.signal }, options))
    .finally(function () { clearTimeout(timer); });
}

function bare(event) {
  const sent = {};
  SENT.forEach(function (name) { sent[name] = event[name] === undefined ? null : event[name]; });
  if (event.count_as) sent.count_as = event.count_as; // an event of an older page has none, and null is no word
  return sent;
}

function post(address, events, waiting) {
  const at = moment();
  const body = { sent_at: at.at, sent_mono: at.mono, life: at.life, waiting: waiting, events: events.map(bare) };
  return ask(address, { method: 'POST', headers: { 'Content-Type': 'application/json' }, body: JSON.stringify(body) });
}

/* `told(pairs)` gets every {event, answer}; `state(name, words)`: sending, idle, later; paired, unpaired, or over: the
   pairing holds no more, and the server takes still what comes. */
export function createSync(address, told, state) {
  let running = false, again = false, timer = 0, failures = 0, heard = performance.now(), size = BATCH, skipped = new Set();

  async function settle(events, answers) {
    const by = new Map(answers.map(function (answer) { return [answer.uid, answer]; }));
    const pairs = [], stored = [], refused = [];
    events.forEach(function (event) {
      const answer = by.get(event.uid);
      if (!answer) { skipped.add(event.uid); return; }
      pairs.push({ event: event, answer: answer });
      if (answer.stored === true) stored.push(event.uid);
      else if (answer.outcome === 'refused') refused.push({ event: event, message: answer.message });
      else skipped.add(event.uid);
    });
    await store.settle(stored, refused);
    told(pairs);
  }

  async function unpaired(answer) {
    const said = await answer.json().catch(function () { return {}; });
    state('unpaired', said.message || '这台手机的配对已失效');
  }

  function tellPairing(body) { if (body.trouble) state('over', body.message); else state('paired'); }

  /* One batch: 'more', 'done', 'failed' or 'unpaired'. */
  async function batch() {
    const events = await store.first(size, skipped);
    if (!events.length) return 'done';
    const waiting = (await store.counts()).waiting;
    const answer = await post(address, events, waiting);
    heard = performance.now();
    if (answer.status === 401) { await unpaired(answer); return 'unpaired'; }
    if (answer.status === 400 || answer.status === 413 || answer.status === 422) {
      // A batch that is refused as a whole is sent in parts, until only the event that spoils it stays behind.
      if (events.length > 1) size = Math.ceil(events.length / 2); else skipped.add(events[0].uid);
      return 'more';
    }
    if (answer.status !== 200) return 'failed';
    const body = await answer.json();
    if (!Array.isArray(body.answers)) return 'failed';
    await settle(events, body.answers);
    tellPairing(body);
    return 'more';
  }

  async function all() {
    let result = 'more';
    state('sending');
    while (result === 'more') result = await batch().catch(function () { return 'failed'; });
    return result;
  }

  function later() {
    failures += 1;
    const wait = Math.min(SLOWEST, 1000 * Math.pow(2, failures - 1)) * (0.75 + Math.random() / 2);
    timer = setTimeout(push, wait);
  }

  async function push() {
    if (store.isShut()) return;
    if (running) { again = true; return; }
    running = true;
    clearTimeout(timer);
    const result = await all();
    running = false;
    const unsure = result === 'failed' || skipped.size > 0;
    skipped = new Set();
    size = BATCH;
    if (result !== 'unpaired') state(unsure ? 'later' : 'idle');
    if (unsure) later(); else failures = 0;
    if (again) { again = false; push(); }
  }

  /* An empty batch tells the console that an idle phone is there and what it holds: at most one a minute, none while
     nobody looks at it. */
  async function beat() {
    if (running || store.isShut() || document.hidden || navigator.onLine === false || performance.now() - heard < BEAT) return;
    heard = performance.now();
    const answer = await post(address, [], (await store.counts()).waiting);
    if (answer.status === 401) await unpaired(answer); else if (answer.status === 200) tellPairing(await answer.json());
  }

  push.beat = function () { beat().catch(function () { /* the next minute */ }); };
  window.addEventListener('online', function () { failures = 0; push(); });
  document.addEventListener('visibilitychange', function () { if (!document.hidden) { failures = 0; push(); } });
  window.addEventListener('pageshow', push);
  return push;
}
