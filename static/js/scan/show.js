/* The full-screen result and what lies over the page: one at a time, the page behind cannot be reached. */
import { signal } from './sound.js';

const SHAPES = {
  good: 'M150 80A70 70 0 1 1 10 80 70 70 0 0 1 150 80zM46 82l24 24 46-52',
  warn: 'M80 14 150 140H10zM80 62v36M80 116v1',
  wait: 'M80 14 150 140H10zM52 112h1M80 112h1M108 112h1',
  bad: 'M52 10h56l42 42v56l-42 42H52l-42-42V52zM56 56l48 48M104 56l-48 48',
};
const STAYS = { good: 2500, warn: 6000, wait: 4000 }; // red stays until somebody has seen it
const page = document.getElementById('scan');
const owed = []; // what is shown as soon as nothing else is: reds of people who were let in on amber and walked on
const GLANCE = 2000;
let open = null, before = null, timer = 0, shown = null;

export function byId(id) { return document.getElementById(id); }

/* A fresh node each time: a screen reader reads the same words again. */
export function say(words) {
  const voice = byId('voice'), line = document.createElement('span');
  line.textContent = words;
  voice.textContent = '';
  voice.appendChild(line);
}

export function isOpen(name) { return open === name; }

export function cover(name, focus) {
  clearTimeout(timer);
  if (open && open !== name) byId(open).hidden = true;
  if (!open) before = document.activeElement;
  open = name;
  byId(name).hidden = false;
  page.classList.add('covered');
  if (focus) focus.focus({ preventScroll: true });
}

export function uncover() {
  clearTimeout(timer);
  if (!open) return;
  byId(open).hidden = true;
  open = null;
  page.classList.remove('covered');
  if (before && before !== document.body && document.contains(before)) before.focus({ preventScroll: true });
  if (owed.length) setTimeout(pay, 0);
}

function pay() { while (!open && owed.length) owed.shift()(); }

/* Does it when nothing lies over the page. */
export function later(what) {
  owed.push(what);
  pay();
}

/* A red that came too late for the moment of its scan: it is shown when nothing else is, and stays until it is seen. */
export function owe(uid, view) { later(function () { verdict(uid, view); }); }

/* The next scan covers a red that was there for a moment only: it comes back. */
function keepRed(uid) {
  const isRed = shown && shown.uid && shown.uid !== uid && shown.view.tone === 'bad' && isOpen('verdict');
  if (isRed && performance.now() - shown.at < GLANCE) owe(shown.uid, shown.view);
}

/* {tone, shape, title, who, text, undo, time}; `uid` names whose result it is. Not over the end of a shift: there only a red
   waits for its turn, the rest stands in the list. */
export function verdict(uid, view) {
  if (isOpen('end') || isOpen('ended')) { if (uid && view.tone === 'bad') owe(uid, view); return; }
  const box = byId('verdict'), shape = view.shape || view.tone, repeated = box.dataset.uid === uid && box.dataset.shape === shape;
  if (repeated && uid && isOpen('verdict')) return;
  keepRed(uid);
  shown = { uid: uid, view: view, at: performance.now() };
  box.dataset.uid = uid;
  box.dataset.shape = shape;
  box.className = 'verdict over v-' + view.tone;
  byId('v-path').setAttribute('d', SHAPES[shape]);
  byId('v-title').textContent = view.title;
  byId('v-who').textContent = view.who || '';
  byId('v-who').hidden = !view.who;
  byId('v-text').textContent = view.text || '';
  byId('v-undo').hidden = !view.undo;
  cover('verdict', byId('v-next'));
  say([view.title, view.who, view.text].filter(Boolean).join('，'));
  signal(view.tone);
  if (STAYS[shape]) timer = setTimeout(function () { if (isOpen('verdict')) uncover(); }, STAYS[shape]);
}

export function shownUid() { return isOpen('verdict') ? byId('verdict').dataset.uid : ''; }
