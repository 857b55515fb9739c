/* The helper's page: a code becomes an event in the queue, the queue is sent, the answer fills the screen.
   Nothing here decides who has come: green is the server's word, amber is ours. */
import { createCameraTools } from './finder.js';
import { clockText, moment, random } from './clock.js';
import { createEnd } from './end.js';
import { createGates } from './gates.js';
import { hold } from './hold.js';
import { listen } from './keys.js';
import { understand } from './read.js';
import { askPeople, bindParty, forgetPeople, insist, remember } from './party.js';
import { note, recall, takeBack, viewOf } from './recent.js';
import { createRoster } from './roster.js';
import { forgetSeen, isSeen, mark, rest } from './seen.js';
import { byId, isOpen, owe, say, shownUid, uncover, verdict } from './show.js';
import { mute, wakeSound } from './sound.js';
import * as store from './store.js';
import { createSync } from './sync.js';
import { fromAnswer, fromRoster, whoText } from './words.js';

const HURRY = 1200, TWICE = 1000;
const page = byId('scan'), data = page.dataset;
const here = new Map(); // when this phone saw a ticket at a session: for the hint while offline
const codes = new Map(); // what was scanned for an event of this page
let stopped = false, pressed = -TWICE, loaded = null;
const ready = new Promise(function (resolve) { loaded = resolve; }); // what this phone holds has been read

const roster = createRoster(data.roster, data.device, showRoster, unpaired);
const gates = createGates(roster, forgetSeen);
const push = createSync(data.events, answered, showState);

/* ---- what is seen */

function showRoster() {
  gates.follow();
  byId('walk-in').hidden = !roster.takesWalkIn();
  byId('roster-line').textContent = '手机里有' + roster.size() + '张报名码的名单，' + clockText(roster.issued()) + '更新。';
  byId('practice').hidden = !(roster.activity() && roster.activity().is_practice);
  byId('no-roster').hidden = true;
  byId('unpaired').hidden = true;
}

async function showCounts() {
  const held = await store.counts();
  byId('waiting').textContent = held.waiting;
  byId('v-waiting').textContent = held.waiting;
  byId('queue').classList.toggle('some', held.waiting > 0);
  byId('handover').hidden = !held.handover;
  byId('handover-count').textContent = held.handover;
}

function showState(name, words) {
  showCounts();
  if (name === 'unpaired') { unpaired(words); return; }
  byId('state').textContent = { sending: '正在送', idle: '都已送到', later: navigator.onLine === false ? '没有网' : '稍后再送' }[name];
}

function unpaired(words) {
  byId('unpaired').hidden = false;
  byId('unpaired-words').textContent = words;
  byId('state').textContent = '配对失效';
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
  const at = moment(), uid = random(), key = fields.ticket || fields.code;
  const event = Object.assign({
    uid: uid, session: gates.code(), ticket: null, code: null, walk_in: false, people: null, refers_to: null,
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
  const view = fromRoster(event, entry, hints);
  if (key) { here.set(event.session + key, at.at); codes.set(uid, key); mark(key); }
  remember(event);
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

function answered(pairs) {
  pairs.forEach(function (pair) {
    const known = viewOf(pair.event.uid), view = fromAnswer(pair.event, pair.answer, gates.name(pair.event.session));
    const waited = !known || known.shape === 'wait';
    const isNews = known && waited && (known === viewOf(lastUid()) || shownUid() === pair.event.uid);
    if (known) note(pair.event.uid, view, undo);
    if (isNews && pair.answer.ask) askAgain(pair.event, pair.answer); else if (isNews) verdict(pair.event.uid, view);
    else if (waited && view.tone === 'bad' && pair.answer.stored && pair.answer.outcome === 'refused') owe(pair.event.uid, late(pair.event, view));
  });
  finder.word('');
  roster.learn(pairs);
  if (pairs.some(function (pair) { return pair.event.kind === 'undo'; })) roster.refresh();
}

/* Stored, and not counted: nobody has said how many, or another has counted this class and we did not know. */
function askAgain(event, answer) {
  if (isOpen('party')) return; // another class is before us: this one is the organizer's to ask
  const entry = { n: answer.name || '班级', people: answer.expected, here: answer.here, at: answer.first_at, kind: 'party' };
  askPeople(entry, { kind: 'arrival', session: event.session, ticket: event.ticket, code: event.code, by: event.by, refers_to: event.uid }, event.people);
}

/* Refused at the server's first look, and the helper had gone on meanwhile. */
function late(event, view) {
  return Object.assign({}, view, { text: clockText(event.device_at) + '扫的，当时没有答复。请他到签到台。' });
}

function lastUid() { return byId('recent').firstChild ? byId('recent').firstChild.dataset.uid : ''; }

function undo(uid) {
  if (!takeBack(uid)) { say('超过两分钟，请主办单位在控制台撤销'); return; }
  uncover();
  if (codes.has(uid)) rest(codes.get(uid));
  forgetPeople(uid);
  arrive({ kind: 'undo', refers_to: uid, by: 'typed' }, null);
}

/* ---- a class, and who has not registered */

function bindPeople() {
  bindParty(arrive, function (fields) { rest(fields.ticket || fields.code); });
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

const finder = createCameraTools({ script: data.reader, wasm: data.wasm }, take);

async function begin() {
  bindPeople();
  bindFields();
  listen(function (text) { take(text, 'keyboard'); });
  createEnd({ end: data.end }, data.device, function () { stopped = true; finder.stop(); });
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
