/* The end of a shift: what is still held is handed over, and the phone is wiped only when nothing is left on it, or all of
   it went out. */
import { beginGiving, bindGiving, isGiven, problem } from './giving.js';
import { byId, cover, isOpen, say, uncover } from './show.js';
import * as store from './store.js';
import { ask } from './sync.js';

let wasFull = false;

function isFull(held) { return held.waiting + held.handover > 0; }

function draw(held) {
  const full = isFull(held);
  wasFull = full;
  byId('end-full').hidden = !full;
  byId('end-count').textContent = held.waiting + held.handover;
  byId('end-clean').hidden = full;
}

function begin(held) {
  const full = isFull(held);
  draw(held);
  beginGiving();
  byId('end-go').disabled = full;
  byId('end-go').textContent = full ? '已经交了，结束当班' : '结束当班，清空手机';
  byId('end-why').hidden = !full;
}

async function askEnd() {
  begin(await store.counts());
  cover('end', byId('end-title'));
}

/* The queue goes on while the sheet is open: its number falls, and at none there is nothing to hand over. */
export function refreshEnd(held) {
  if (!isOpen('end')) return;
  if (isFull(held) === wasFull) { draw(held); return; }
  begin(held);
  if (!isFull(held)) say('都已送到');
}

/* `stop()` rests camera and sync before anything is wiped. */
async function end(address, stop) {
  const held = await store.counts(), full = isFull(held);
  if (full && !(await isGiven())) { askEnd(); return; }
  const answer = await ask(address, { method: 'POST', headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify({ waiting: held.waiting, force: full }) }).catch(function () { return null; });
  // 401: the server has let the phone go already. Anything else would leave the cookie's pairing alive unseen.
  if (!answer || (answer.status !== 401 && answer.status >= 300)) {
    problem(answer ? '服务器没有办成，手机上的都还在。请过一会儿再按一次。' : '没有网，配对还不能解除，手机上的都还在。有网后再按一次；急着走，请主办单位在控制台作废这台。');
    return;
  }
  stop();
  await store.forget();
  showEnded();
}

export function showEnded() {
  cover('ended', byId('ended-title'));
  say('当班结束，手机已清空');
}

export function createEnd(addresses, code, stop) {
  bindGiving(code);
  byId('end-open').addEventListener('click', askEnd);
  byId('end-back').addEventListener('click', uncover);
  byId('end-go').addEventListener('click', function () { end(addresses.end, stop); });
}
