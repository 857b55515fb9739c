/* How what is still on the phone is handed over: sent, saved or copied, in parts. The helper says in words that all of it
   went out, after ways that can work here have worked. */
import { stampText } from './clock.js';
import { FILE, TEXT, handover } from './parts.js';
import { byId, say } from './show.js';
import * as store from './store.js';

const inWeChat = /MicroMessenger/i.test(navigator.userAgent);
const WAYS = {
  share: { most: FILE, give: share, done: '已发出', say: '发给主办单位' },
  save: { most: FILE, give: save, done: '已存', say: '存成文件' },
  copy: { most: TEXT, give: copy, done: '已复制', say: inWeChat ? '复制文字' : '微信里存不了，复制文字' },
};
let given = null, device = '', copied = ''; // {way, texts, uids, done}: of the way that is being gone

/* ---- the ways: each resolves to whether it worked, as far as a page can know */

function nameOf(number, ending) {
  return 'scan-' + device + '-' + stampText(Date.now()) + (given.texts.length > 1 ? '-' + number : '') + ending;
}

function file(text, number) { return new File([text], nameOf(number, '.txt'), { type: 'text/plain' }); }

function canShare() {
  try { return Boolean(navigator.canShare && navigator.canShare({ files: [new File([''], 'scan.txt', { type: 'text/plain' })] })); } catch (_no) { return false; }
}

async function share(text, number) {
  try { await navigator.share({ files: [file(text, number)] }); } catch (_closed) { return false; }
  return true;
}

async function save(text, number) {
  const link = document.createElement('a');
  link.href = URL.createObjectURL(new Blob([text], { type: 'application/json' }));
  link.download = nameOf(number, '.json');
  link.click();
  setTimeout(function () { URL.revokeObjectURL(link.href); }, 60000);
  return true; // whether it was saved, only the helper can see: that is asked
}

/* execCommand may say yes to nothing: only the event that carries the whole text counts. A thumb's own copy counts too. */
document.addEventListener('copy', function () {
  const box = byId('end-text');
  if (document.activeElement === box && box.selectionEnd - box.selectionStart === box.value.length) copied = box.value;
});

async function copy(text) {
  const box = byId('end-text');
  box.value = text;
  box.hidden = false;
  box.focus();
  box.select();
  copied = '';
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch (_no) {
    return document.execCommand('copy') && copied === text;
  }
}

/* ---- one part after the other */

function showGiven() {
  const all = given ? given.texts.length : 0, done = given ? given.done : 0, whole = all > 0 && done === all;
  Object.keys(WAYS).forEach(function (way) {
    const part = given && given.way === way && all > 1 ? '第' + Math.min(done + 1, all) + '份，共' + all + '份' : '';
    byId('end-' + way).textContent = WAYS[way].say + (part && !whole ? '（' + part + '）' : '');
  });
  byId('end-parts').hidden = !all;
  byId('end-parts').textContent = !all ? '' : whole ? (all > 1 ? all + '份都' : '') + WAYS[given.way].done + (all === 1 && given.way === 'copy' ? '，请贴到微信里，发给主办单位。' : '。')
    : done ? '第' + done + '份' + WAYS[given.way].done + '，还有' + (all - done) + '份，请再按一次。' : '';
  byId('end-sure-field').hidden = !whole;
  byId('end-why').hidden = whole;
  byId('end-go').disabled = !(whole && byId('end-sure').checked);
}

async function give(way) {
  if (!given || given.way !== way || given.done === given.texts.length) {
    given = Object.assign({ way: way, done: 0 }, await handover(device, WAYS[way].most));
    byId('end-sure').checked = false;
  }
  const worked = await WAYS[way].give(given.texts[given.done], given.done + 1);
  problem(worked ? '' : { share: '没有发出去，手机上的都还在。', copy: '没有复制成功，手机上的都还在。请长按下面的文字，全选，再复制。' }[way]);
  if (worked) tell();
}

function tell() {
  given.done += 1;
  showGiven();
  say(byId('end-parts').textContent);
}

export function problem(words) {
  byId('end-problem').textContent = words;
  byId('end-problem').hidden = !words;
  if (words) say(words);
}

/* ---- for the pages */

/* Nothing has been handed over yet. */
export function beginGiving() {
  given = null;
  byId('end-sure').checked = false;
  byId('end-text').hidden = true;
  byId('end-share').hidden = !canShare();
  byId('end-save').hidden = inWeChat;
  problem('');
  showGiven();
}

/* Whether all that this phone holds now went out, and the helper says so. */
export async function isGiven() {
  if (!given || given.done < given.texts.length || !byId('end-sure').checked) return false;
  const held = await store.everything();
  return held.queue.concat(held.handover).every(function (event) { return given.uids.has(event.uid); });
}

export function bindGiving(code) {
  device = code;
  Object.keys(WAYS).forEach(function (way) { byId('end-' + way).addEventListener('click', function () { give(way); }); });
  byId('end-text').addEventListener('copy', function () {
    // A thumb's own copy of the text, where the button could not.
    setTimeout(function () {
      if (given && given.way === 'copy' && given.done < given.texts.length && copied === given.texts[given.done] && !byId('end-problem').hidden) { problem(''); tell(); }
    }, 0);
  });
  byId('end-sure').addEventListener('change', showGiven);
}
