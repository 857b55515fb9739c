/* The results under the camera: all of the last two minutes, each to be taken back, and a few older ones. They outlive
   the page, for this pairing alone. */
import { clockText } from './clock.js';
import { byId } from './show.js';
import * as store from './store.js';

const FEW = 12, UNDO = 120000;
const rows = new Map();
let device = '';

function isLate(row) { return Date.now() - row.at > UNDO; }

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

function drop() {
  rows.forEach(function (row, uid) {
    if (rows.size <= FEW || !isLate(row)) return;
    row.item.remove();
    rows.delete(uid);
  });
}

function draw(row) {
  const view = row.view;
  row.item.className = 'r-' + (view.shape || view.tone);
  row.item.querySelector('b').textContent = view.who || view.title;
  row.item.querySelector('small').textContent = clockText(row.at) + ' ' + (view.who ? view.title : view.text || '');
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
  byId('recent').insertBefore(item, byId('recent').firstChild);
  byId('recent-none').hidden = true;
  draw(row);
  return row;
}

/* A result, new or changed. */
export function note(uid, view, undo) {
  const row = rows.get(uid) || put(uid, { at: Date.now(), undone: false, view: view }, undo);
  row.view = view;
  rows.forEach(draw);
  drop();
  remember();
}

export function viewOf(uid) { return rows.has(uid) ? rows.get(uid).view : null; }

/* Whether this one may still be taken back; from then on it may not. */
export function takeBack(uid) {
  const row = rows.get(uid);
  if (!row || row.undone || isLate(row)) return false;
  row.undone = true;
  draw(row);
  remember();
  return true;
}

window.setInterval(function () { rows.forEach(draw); }, 15000);
