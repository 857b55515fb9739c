/* The roster on this phone: hashes and masked names, fetched with its mark, kept for when there is no network. */
import * as store from './store.js';
import { ask } from './sync.js';

/* {load(), refresh(), find(hash), sessions, …}; `changed()` after a fresh one, `state(name, words)`: paired or
   unpaired. */
export function createRoster(address, device, changed, state) {
  let body = null, mark = '', by = new Map(), ahead = 0, learned = [];

  function read(kept) {
    body = kept.body;
    mark = kept.mark;
    ahead = kept.ahead;
    by = new Map();
    body.tickets.forEach(function (ticket) {
      if (!by.has(ticket.h)) by.set(ticket.h, []);
      by.get(ticket.h).push(ticket);
    });
  }

  async function load() {
    const kept = await store.kept('roster');
    if (!kept || kept.body.device.code !== device) return;
    read(kept);
    learned = (await store.kept('learned')) || [];
    learned.forEach(apply);
    changed();
  }

  async function refresh() {
    const answer = await ask(address, { headers: mark ? { 'If-None-Match': mark } : {} }).catch(function () { return null; });
    if (!answer || store.isShut()) return;
    if (answer.status === 200 || answer.status === 304) state('paired');
    if (answer.status === 401) {
      const said = await answer.json().catch(function () { return {}; });
      state('unpaired', said.message || '这台手机的配对已失效');
    }
    if (answer.status !== 200) return;
    const fresh = await answer.json();
    const kept = { body: fresh, mark: answer.headers.get('ETag') || '', ahead: fresh.server_now - Date.now() };
    read(kept);
    learned = [];
    await store.keep('learned', learned);
    await store.keep('roster', kept);
    changed();
  }

  /* The ticket in this session, else in whichever it is for. */
  function find(hash, session) {
    const found = by.get(hash) || [];
    const one = found.find(function (each) { return !each.s || each.s === session; }) || found[0];
    if (!one) return null;
    const now = (one.sessions || {})[session] || { at: null, here: 0 };
    return Object.assign({}, one, { at: now.at, here: now.here });
  }

  function apply(fact) {
    (by.get(fact.ticket) || []).forEach(function (one) {
      one.sessions = one.sessions || {};
      one.sessions[fact.session] = { at: fact.at, here: fact.here };
    });
  }

  /* What the server has just said of tickets: the rest of a class is right before the next roster comes. */
  function learn(pairs) {
    const facts = pairs.filter(function (pair) {
      return pair.event.ticket && ['accepted', 'duplicate'].indexOf(pair.answer.outcome) >= 0;
    }).map(function (pair) {
      return { ticket: pair.event.ticket, session: pair.event.session, at: pair.answer.first_at, here: pair.answer.here };
    });
    facts.forEach(apply);
    learned = learned.concat(facts);
    if (facts.length) store.keep('learned', learned);
  }

  return {
    load: load, refresh: refresh, find: find, learn: learn,
    forget: function () { body = null; by = new Map(); learned = []; },
    now: function () { return Date.now() + ahead; },
    sessions: function () { return body ? body.sessions : []; },
    size: function () { return by.size; },
    issued: function () { return body ? body.issued_at : ''; },
    takesWalkIn: function () { return Boolean(body && body.takes_walk_in); },
    activity: function () { return body ? body.activity : null; },
  };
}
