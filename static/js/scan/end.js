/* The end of a shift: a full queue warns and is handed over as a file; then the phone is wiped. */
import { moment } from './clock.js';
import { hmac } from './sha256.js';
import { byId, cover, say, uncover } from './show.js';
import * as store from './store.js';
import { ask } from './sync.js';

let handed = false;

/* Everything unsent as text: hashes and codes, no secret. The seal is over the body's very characters, so the body is
   text inside the text; without a roster there is no seal, and the organizer decides on each scan. */
async function handover(device) {
  const held = await store.everything(), kept = await store.kept('roster'), at = moment();
  const body = JSON.stringify({ made_at: at.at, mono: at.mono, life: at.life, ahead: kept ? Math.round(kept.ahead) : 0,
    events: held.queue, refused: held.handover });
  const key = kept && kept.body.device.code === device ? kept.body.device.seal : '';
  return JSON.stringify({ kind: 'shiliu-scan', device: device, body: body, seal: key ? hmac(key, body) : '' }, null, 1);
}

async function save(device) {
  const text = await handover(device), link = document.createElement('a');
  link.href = URL.createObjectURL(new Blob([text], { type: 'application/json' }));
  link.download = 'scan-' + device + '-' + new Date().toISOString().slice(0, 16).replace(/\D/g, '') + '.json';
  link.click();
  setTimeout(function () { URL.revokeObjectURL(link.href); }, 60000);
  mayEnd();
}

/* WeChat saves no files: there the text is copied. */
async function copy(device) {
  const box = byId('end-text');
  box.value = await handover(device);
  box.hidden = false;
  box.select();
  try { await navigator.clipboard.writeText(box.value); } catch (_no) { document.execCommand('copy'); }
  say('已复制');
  mayEnd();
}

function mayEnd() {
  handed = true;
  byId('end-go').disabled = false;
  byId('end-why').hidden = true;
}

export async function askEnd() {
  const held = await store.counts(), full = held.waiting + held.handover > 0;
  handed = !full;
  byId('end-full').hidden = !full;
  byId('end-count').textContent = held.waiting + held.handover;
  byId('end-clean').hidden = full;
  byId('end-go').disabled = full;
  byId('end-go').textContent = full ? '已交文件，结束当班' : '结束当班，清空手机';
  byId('end-why').hidden = !full;
  byId('end-problem').hidden = true;
  cover('end', byId('end-title'));
}

function problem(words) {
  byId('end-problem').textContent = words;
  byId('end-problem').hidden = false;
  say(words);
}

/* `stop()` rests camera and sync before anything is wiped. */
async function end(address, stop) {
  const held = await store.counts(), full = held.waiting + held.handover > 0;
  if (full && !handed) { askEnd(); return; }
  const answer = await ask(address, { method: 'POST', headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify({ waiting: held.waiting, force: full }) }).catch(function () { return null; });
  // 401: the server has let the phone go already. Anything else would leave the cookie's pairing alive unseen.
  if (!answer || (answer.status !== 401 && answer.status >= 300)) {
    problem(answer ? '服务器没有办成，手机上的都还在。请过一会儿再按一次。' : '没有网，配对还不能解除，手机上的都还在。有网后再按一次；急着走，请主办单位在控制台停用这台。');
    return;
  }
  stop();
  await store.forget();
  cover('ended', byId('ended-title'));
  say('当班结束，手机已清空');
}

export function createEnd(addresses, device, stop) {
  byId('end-open').addEventListener('click', askEnd);
  byId('end-back').addEventListener('click', uncover);
  byId('end-save').addEventListener('click', function () { save(device); });
  byId('end-copy').addEventListener('click', function () { copy(device); });
  byId('end-go').addEventListener('click', function () { end(addresses.end, stop); });
}
