/* The last results under the camera, each to be taken back within two minutes. */
import { clockText } from './clock.js';
import { byId } from './show.js';

const MOST = 12, UNDO = 120000;
const rows = new Map();

function draw(row) {
  const view = row.view, late = Date.now() - row.at > UNDO;
  row.item.className = 'r-' + (view.shape || view.tone);
  row.item.querySelector('b').textContent = view.who || view.title;
  row.item.querySelector('small').textContent = clockText(row.at) + ' ' + (view.who ? view.title : view.text || '');
  row.button.hidden = !view.undo || late || row.undone;
}

/* A result, new or changed. */
export function note(uid, view, undo) {
  let row = rows.get(uid);
  if (!row) {
    const item = document.createElement('li'), words = document.createElement('p'), button = document.createElement('button');
    words.appendChild(document.createElement('b'));
    words.appendChild(document.createElement('small'));
    button.type = 'button';
    button.className = 'btn';
    button.textContent = '撤销';
    item.appendChild(words);
    item.appendChild(button);
    row = { item: item, button: button, at: Date.now(), undone: false };
    button.addEventListener('click', function () { undo(uid); });
    item.dataset.uid = uid;
    rows.set(uid, row);
    byId('recent').insertBefore(item, byId('recent').firstChild);
    byId('recent-none').hidden = true;
    if (rows.size > MOST) {
      const oldest = rows.keys().next().value;
      rows.get(oldest).item.remove();
      rows.delete(oldest);
    }
  }
  row.view = view;
  row.button.setAttribute('aria-label', '撤销 ' + (view.who || view.title));
  draw(row);
}

export function viewOf(uid) { return rows.has(uid) ? rows.get(uid).view : null; }

/* Whether this one may still be taken back; from then on it may not. */
export function takeBack(uid) {
  const row = rows.get(uid);
  if (!row || row.undone || Date.now() - row.at > UNDO) return false;
  row.undone = true;
  draw(row);
  return true;
}

window.setInterval(function () { rows.forEach(draw); }, 15000);
