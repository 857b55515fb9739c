/* On the page that pairs: what this phone still holds from before is sent as its old pairing, where the server takes it
   still; else it is handed over, or goes on with a new pairing. Names are not kept for a pairing that is over. */
import { beginGiving, bindGiving, isGiven, problem } from './giving.js';
import { byId, say } from './show.js';
import * as store from './store.js';
import { createSync } from './sync.js';

const STATES = { sending: '正在送。', later: '还没送出去，有网会接着送。', unpaired: '这部手机的配对查不到了，送不出去。' };

let finished = false;

function isFull(held) { return held.waiting + held.handover > 0; }

/* Everything has arrived, or was handed over: nothing stays. */
async function finish(words) {
  if (finished) return;
  finished = true;
  await store.forget();
  byId('again').hidden = true;
  byId('again-done').hidden = false;
  byId('again-done-words').textContent = words;
  say(words);
}

async function show(name) {
  if (finished || store.isShut()) return;
  const held = await store.counts();
  if (!isFull(held)) { await finish('先前的记录都已送到，这台手机已清空。'); return; }
  byId('again-count').textContent = held.waiting + held.handover;
  if (STATES[name]) byId('again-state').textContent = held.waiting ? STATES[name] : '这些送不进去，请交给主办单位。';
}

async function clear() {
  if (!(await isGiven())) { problem('又多了没交的记录，请再交一次。手机上的都还在。'); beginGiving(); return; }
  await finish('已经交了，这台手机已清空。');
}

async function begin() {
  if (!isFull(await store.counts())) { await store.forget(); return; }
  await store.forgetNames();
  const roster = await store.kept('roster'), held = await store.everything();
  bindGiving(roster ? roster.body.device.code : held.queue.concat(held.handover)[0].device);
  beginGiving();
  byId('end-go').addEventListener('click', clear);
  byId('again').hidden = false;
  // The device of its events is over: what the server says of the pairing stands on the page already.
  createSync('/api/v1/scan/events', function () { /* nobody waits before a screen for one answer */ }, show)();
}

begin().catch(function () { /* a browser without storage: the scanner itself says so */ });
