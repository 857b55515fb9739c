/* The results under the camera: all of the last two minutes, each to be taken back, and a few older ones. They outlive
   the page, for this pairing alone. */
import { clockText } from './clock.js';
import { byId } from './show.js';
import * as store from './store.js';

const FEW = 12, UNDO = 120000;
const rows = new Map(), standing = new Map(); // standing: of an undo, whose row it is seen in
let device = '';

function rowOf(uid) { return rows.get(uid) || rows.get(standing.get(uid)); }
function isLate(row) { return isOld(row.at); }

/* Whether what was scanned at that moment of this phone's clock can no longer be taken back here. */
export function isOld(at) { return Date.now() - at > UNDO; }

function remember() {
  const listed = Array.from(rows, function (pair) { return { uid: pair[0], at: pair[1].at, view: pair[1].view, undone: pair[1].undone }; });
  store.keep('recent', { device: device, rows: listed }).catch(function () { /* the scan itself is stored, or said so */ });
}

/* What this phone showed before the page was opened anew. */
export async function recall(code, undo) {
  device = code;
  const kept = await store.kept('recent');
  if (!kept || kept.device !== device) return;
  kept.rows.forEach(function (row) { if (!rows.has(row.uid)) put(row.uid, row, undo); });
  drop();
}

export function dropRow(uid) {
  if (!rows.has(uid)) return;
  rows.get(uid).item.remove();
  rows.delete(uid);
}

function drop() {
  rows.forEach(function (row, uid) { if (rows.size > FEW && isLate(row)) dropRow(uid); });
}

function draw(row) {
  const view = row.view;
  row.item.className = 'r-' + (view.shape || view.tone);
  row.item.querySelector('b').textContent = view.who || view.title;
  row.item.querySelector('small').textContent = clockText(row.at) + ' ' + (view.line || (view.who ? view.title : view.text || ''));
  row.button.hidden = !view.undo || isLate(row) || row.undone;
  row.button.setAttribute('aria-label', '撤销 ' + (view.who || view.title));
}

function put(uid, known, undo) {
  const item = document.createElement('li'), words = document.createElement('p'), button = document.createElement('button');
  words.appendChild(document.createElement('b'));
  words.appendChild(document.createElement('small'));
  button.type = 'button';
  button.className = 'btn';
  button.textContent = '撤销';
  item.appendChild(words);
  item.appendChild(button);
  const row = { item: item, button: button, at: known.at, undone: known.undone, view: known.view };
  button.addEventListener('click', function () { undo(uid); });
  item.dataset.uid = uid;
  rows.set(uid, row);
  if (row.undone) standing.set(row.undone, uid);
  byId('recent').insertBefore(item, byId('recent').firstChild);
  byId('recent-none').hidden = true;
  draw(row);
  return row;
}

/* A result, new or changed; `at`: when it was scanned, if not now. */
export function note(uid, view, undo, at) {
  const row = rowOf(uid) || put(uid, { at: at || Date.now(), undone: '', view: view }, undo);
  row.view = view;
  rows.forEach(draw);
  drop();
  remember();
}

/* What is shown of this scan; of an undo, what is shown of the scan that it takes back. */
export function viewOf(uid) { const row = rowOf(uid); return row ? row.view : null; }

export function newest() { return byId('recent').firstChild ? byId('recent').firstChild.dataset.uid : ''; }

export function canTakeBack(uid) { const row = rows.get(uid); return Boolean(row && !row.undone && !isLate(row)); }

/* Takes it back by the undo of this id, if that may still be; from then on it may not, and the row is the undo's. */
export function takeBack(uid, by) {
  if (!canTakeBack(uid)) return false;
  const row = rows.get(uid);
  row.undone = by;
  standing.set(by, uid);
  draw(row);
  remember();
  return true;
}

/* The phone is wiped: no name stays on the page. */
export function forgetRecent() {
  rows.clear();
  byId('recent').textContent = '';
}

window.setInterval(function () { rows.forEach(draw); }, 15000);
