/* The helper's page: a code becomes an event in the queue, the queue is sent, the answer fills the screen.
   Nothing here decides who has come: green is the server's word, amber is ours. */
import { createCameraTools } from './finder.js';
import { clockText, moment, random } from './clock.js';
import { createEnd, refreshEnd, showEnded } from './end.js';
import { createGates } from './gates.js';
import { hold } from './hold.js';
import { listen } from './keys.js';
import { understand } from './read.js';
import { askPeople, bindParty, forgetPeople, insist, recount, remember } from './party.js';
import { canTakeBack, dropRow, forgetRecent, isOld, newest, note, recall, takeBack, viewOf } from './recent.js';
import { createRoster } from './roster.js';
import { forgetSeen, isSeen, mark, rest } from './seen.js';
import { byId, isOpen, later, owe, say, shownUid, uncover, verdict } from './show.js';
import { mute, wakeSound } from './sound.js';
import * as store from './store.js';
import { createSync } from './sync.js';
import { fromAnswer, fromRoster, whoText } from './words.js';

const HURRY = 1200, TWICE = 1000, NEWS = 10000;
const page = byId('scan'), data = page.dataset;
const here = new Map(); // when this phone saw a ticket at a session: for the hint while offline
const codes = new Map(); // what was scanned for an event of this page
let stopped = false, pressed = -TWICE, loaded = null, isPaired = true, latest = ''; // latest: what was scanned last
const ready = new Promise(function (resolve) { loaded = resolve; }); // what this phone holds has been read

const roster = createRoster(data.roster, data.device, showRoster, showState);
const gates = createGates(roster, forgetSeen);
const push = createSync(data.events, answered, showState);

/* ---- what is seen */

function showRoster() {
  gates.follow();
  byId('walk-in').hidden = !roster.takesWalkIn();
  byId('roster-line').textContent = '手机里有' + roster.size() + '张报名码的名单，' + clockText(roster.issued()) + '更新。';
  byId('practice').hidden = !(roster.activity() && roster.activity().is_practice);
  byId('no-roster').hidden = true;
}

async function showCounts() {
  if (store.isShut()) return;
  const held = await store.counts();
  byId('waiting').textContent = held.waiting;
  byId('v-waiting').textContent = held.waiting;
  byId('queue').classList.toggle('some', held.waiting > 0);
  byId('handover').hidden = !held.handover;
  byId('handover-count').textContent = held.handover;
  refreshEnd(held);
}

function showState(name, words) {
  showCounts();
  if (name === 'unpaired' || name === 'over') { unpaired(words); return; }
  if (name === 'paired') { paired(); return; }
  if (isPaired) byId('state').textContent = { sending: '正在送', idle: '都已送到', later: navigator.onLine === false ? '没有网' : '稍后再送' }[name];
}

/* It stands until the server says otherwise: that all was sent makes no pairing. */
function unpaired(words) {
  isPaired = false;
  byId('unpaired').hidden = false;
  byId('unpaired-words').textContent = words;
  byId('state').textContent = '配对失效';
}

function paired() {
  if (!isPaired) byId('state').textContent = '';
  isPaired = true;
  byId('unpaired').hidden = true;
}

/* ---- from a code to an event */

function wrong(title, text) { verdict('', { tone: 'bad', title: title, text: text }); }

/* A ticket younger than the roster may be a class, and of a class another phone may have counted a bus meanwhile: one
   short look, where there is a network. */
async function entryOf(ticket) {
  const known = roster.find(ticket, gates.code());
  if ((known && known.kind !== 'party') || navigator.onLine === false) return known;
  await Promise.race([roster.refresh(), new Promise(function (resolve) { setTimeout(resolve, HURRY); })]);
  return roster.find(ticket, gates.code());
}

async function take(text, by) {
  if (stopped || isOpen('end') || isOpen('ended')) return;
  const what = await understand(text, data.base), code = what.ticket || what.code || text;
  await ready; // a helper is quicker than a slow phone that reads its roster
  if (isSeen(code, by)) return;
  if (isOpen('party')) { insist(); return; }
  gates.follow();
  mark(code);
  if (what.wrong) { wrong(what.wrong, what.hint); return; }
  if (!gates.code()) { rest(code); wrong('还没有名单', '联网后等几秒再扫'); return; }
  const entry = what.ticket ? await entryOf(what.ticket) : null;
  // Meanwhile another class was asked for, or the shift is being ended.
  if (isOpen('party') || isOpen('end')) { rest(code); if (isOpen('party')) insist(); return; }
  const fields = { kind: 'arrival', ticket: what.ticket || null, code: what.code || null, by: by };
  if (entry && entry.kind === 'party') askPeople(entry, Object.assign({ session: gates.code() }, fields)); else arrive(fields, entry);
}

async function arrive(fields, entry) {
  const at = moment(), key = fields.ticket || fields.code;
  const event = Object.assign({
    uid: random(), session: gates.code(), ticket: null, code: null, walk_in: false, people: null, refers_to: null,
    device_at: at.at, mono: at.mono, life: at.life, device: data.device,
  }, fields);
  try {
    await store.record(event);
  } catch (_full) {
    if (key) rest(key);
    wrong('没有存下', '这台手机存不住记录，请改用纸笔，或换一台手机');
    return;
  }
  const hints = { here: here.get(event.session + key), other: Boolean(entry && entry.s && entry.s !== event.session) };
  const uid = event.uid, view = fromRoster(event, entry, hints, viewOf(uid));
  if (key) { here.set(event.session + key, at.at); codes.set(uid, key); mark(key); }
  latest = uid;
  remember(event);
  if (event.kind === 'arrival' && event.refers_to) dropRow(event.refers_to); // what was asked is answered
  note(uid, view, undo);
  showCounts();
  finder.word('已存下，正在送');
  // A moment of patience spares a flash of amber where the network is good.
  setTimeout(function () {
    if (viewOf(uid) !== view) return;
    finder.word('');
    verdict(uid, view);
  }, navigator.onLine === false ? 0 : HURRY);
  push();
}

/* The page was closed between an event and its row: what waits and may still be taken back tells the row anew. */
function listWaiting(queue) {
  const meant = new Set(queue.map(function (event) { return event.refers_to; }));
  queue.filter(function (event) {
    return event.kind === 'arrival' && event.device === data.device && !isOld(event.device_at) && !viewOf(event.uid) && !meant.has(event.uid);
  }).sort(function (a, b) { return a.counter - b.counter; }).forEach(function (event) {
    const entry = event.ticket ? roster.find(event.ticket, event.session) : null;
    note(event.uid, fromRoster(event, entry, {}, null), undo, event.device_at);
  });
}

function answered(pairs) {
  pairs.forEach(function (pair) {
    const known = viewOf(pair.event.uid), place = gates.name(pair.event.session);
    const view = fromAnswer(pair.event, pair.answer, place, { before: known, isOfMany: roster.sessions().length > 1 });
    const waited = !known || known.shape === 'wait';
    // A green screen speaks of who stands here: after a while somebody else does, and the row is enough.
    const isLate = view.tone === 'good' && Date.now() - pair.event.device_at > NEWS;
    const isNews = known && waited && (shownUid() === pair.event.uid || (pair.event.uid === latest && !isLate));
    if (pair.answer.stored) forgetPeople(pair.event.uid);
    if (known) note(pair.event.uid, view, undo);
    if (isNews && pair.answer.ask) askAgain(pair.event, pair.answer); else if (isNews) verdict(pair.event.uid, view);
    else if (waited && view.tone === 'bad' && pair.answer.stored && pair.answer.outcome === 'refused') owe(pair.event.uid, cameLate(pair.event, view));
  });
  finder.word('');
  roster.learn(pairs);
  if (pairs.some(function (pair) { return pair.event.kind === 'undo'; })) roster.refresh();
}

/* Stored, and not counted: nobody has said how many, or another has counted this class and we did not know. */
function askAgain(event, answer) {
  if (isOpen('end')) { later(function () { askAgain(event, answer); }); return; }
  if (isOpen('party')) return; // another class is before us: this one is the organizer's to ask
  const entry = { n: answer.name || '班级', people: answer.expected, here: answer.here, at: answer.first_at, kind: 'party' };
  askPeople(entry, { kind: 'arrival', session: event.session, ticket: event.ticket, code: event.code, by: event.by, refers_to: event.uid }, event.people);
}

/* Refused at the server's first look, and the helper had gone on meanwhile. */
function cameLate(event, view) {
  return Object.assign({}, view, { text: clockText(event.device_at) + '扫的，当时没有答复。请他到签到台。' });
}

function undo(uid) {
  const by = random();
  if (!takeBack(uid, by)) { say('超过两分钟，请主办单位在控制台撤销'); return; }
  uncover();
  if (codes.has(uid)) rest(codes.get(uid));
  forgetPeople(uid);
  arrive({ uid: by, kind: 'undo', refers_to: uid, by: 'typed' }, null);
}

/* No number for what the server asked about: then it was no arrival, and nobody has to look into it. */
function leaveParty(fields) {
  if (fields.ticket || fields.code) rest(fields.ticket || fields.code);
  if (!fields.refers_to) return;
  if (canTakeBack(fields.refers_to)) undo(fields.refers_to);
  else verdict('', { tone: 'warn', title: '已交主办单位核实', text: '扫了两分多钟了，手机上不能撤销。不算的话，请告诉主办单位' });
}

/* ---- a class, and who has not registered */

function bindPeople() {
  bindParty(arrive, leaveParty);
  byId('walk-in').addEventListener('click', function (event) {
    const button = event.target.closest('button');
    // A thumb that presses twice means one family.
    if (!button || performance.now() - pressed < TWICE) return;
    pressed = performance.now();
    gates.follow();
    if (!gates.code()) { wrong('还没有名单', '联网后等几秒再按'); return; }
    arrive({ kind: 'arrival', walk_in: true, people: Number(button.value), by: 'typed' }, null);
  });
}

/* ---- the page's own controls */

function bindFields() {
  byId('typed').addEventListener('submit', function (event) {
    const field = byId('code'), text = field.value;
    event.preventDefault();
    if (!text.trim()) { field.focus(); return; }
    field.value = '';
    understand(text, data.base).then(function (what) {
      const isWord = what.wrong && text.indexOf('/') < 0;
      if (isWord) { wrong('不是报名码', '报名码是二维码下面的8位字母和数字'); field.value = text; } else take(text, 'typed');
    });
  });
  byId('v-next').addEventListener('click', uncover);
  byId('v-undo').addEventListener('click', function () { undo(shownUid()); });
  byId('sound').addEventListener('click', function () {
    const on = byId('sound').getAttribute('aria-pressed') !== 'true';
    byId('sound').setAttribute('aria-pressed', String(on));
    mute(!on);
    store.keep('muted', !on);
  });
  document.addEventListener('keydown', function (event) {
    if (event.key === 'Escape' && isOpen('party')) byId('party-back').click();
    else if (event.key === 'Escape' && (isOpen('verdict') || isOpen('end'))) uncover();
  });
  document.addEventListener('pointerdown', wakeSound);
  document.addEventListener('keydown', wakeSound);
}

/* The phone's own scanner, or WeChat's, opens a ticket and hands it over behind the #: it never leaves the phone. */
function takeFromAddress() {
  const found = /^#t=([A-Za-z0-9_-]{16,64})$/.exec(window.location.hash);
  if (!found) return;
  history.replaceState(null, '', window.location.pathname);
  take(window.location.origin + '/t/' + found[1], 'camera');
}

/* The phone was wiped, here or in another tab: nothing of it is seen or scanned any more. */
function leave() {
  stopped = true;
  finder.stop();
  roster.forget();
  forgetRecent();
  here.clear();
  ['v-who', 'v-text', 'party-who', 'party-text', 'roster-line'].forEach(function (name) { byId(name).textContent = ''; });
}

const finder = createCameraTools({ script: data.reader, wasm: data.wasm }, take);

async function begin() {
  bindPeople();
  bindFields();
  listen(function (text) { take(text, 'keyboard'); });
  createEnd({ end: data.end }, data.device, leave);
  store.whenWiped(function () { leave(); showEnded(); });
  try {
    await gates.load();
    const muted = Boolean(await store.kept('muted'));
    mute(muted);
    byId('sound').setAttribute('aria-pressed', String(!muted));
  } catch (_blocked) {
    byId('starting').hidden = true;
    byId('no-store').hidden = false;
    return;
  }
  byId('starting').hidden = true;
  byId('work').hidden = false;
  if (navigator.storage && navigator.storage.persist) navigator.storage.persist();
  await roster.load();
  await recall(data.device, undo);
  const held = await store.everything();
  listWaiting(held.queue);
  latest = latest || newest();
  recount(held);
  loaded();
  showCounts();
  push();
  finder.begin();
  hold(data.worker, [data.reader, data.wasm]);
  if (!roster.sessions().length) await roster.refresh(); else roster.refresh();
  byId('no-roster').hidden = roster.sessions().length > 0;
  takeFromAddress();
  window.addEventListener('hashchange', takeFromAddress);
  window.setInterval(function () {
    if (stopped || document.hidden) return;
    roster.refresh();
    push.beat();
  }, 60000);
}

begin();
