/* What is handed over, in parts that the console takes and that fit where they go; each is sealed by itself. */
import { moment } from './clock.js';
import { hmac } from './sha256.js';
import * as store from './store.js';

/* The console takes 1000 events and 450 kB a file (app/web/console/handover.py); a message of WeChat about 16 kB. */
export const FILE = { events: 500, bytes: 300000 }, TEXT = { events: 500, bytes: 14000 };
const HEAD = 400; // what stands around the events

function size(value) { return new TextEncoder().encode(JSON.stringify(JSON.stringify(value))).length + 1; }

function split(listed, most) {
  const parts = [];
  let room = 0;
  listed.forEach(function (one) {
    const bytes = size(one.event), last = parts[parts.length - 1];
    if (!last || last.length >= most.events || room < bytes) { parts.push([one]); room = most.bytes - HEAD - bytes; } else { last.push(one); room -= bytes; }
  });
  return parts;
}

/* Everything unsent as texts: hashes and typed codes, no secret. The seal is over the body's very characters, so the body
   is text inside the text; without a roster there is no seal, and the organizer decides on each scan. */
export async function handover(device, most) {
  const held = await store.everything(), kept = await store.kept('roster'), at = moment();
  const key = kept && kept.body.device.code === device ? kept.body.device.seal : '';
  const listed = held.queue.sort(function (one, other) { return one.counter - other.counter; })
    .map(function (event) { return { event: event, to: 'events' }; })
    .concat(held.handover.map(function (event) { return { event: event, to: 'refused' }; }));
  const texts = split(listed, most).map(function (part) {
    function of(to) { return part.filter(function (one) { return one.to === to; }).map(function (one) { return one.event; }); }
    const body = JSON.stringify({ made_at: at.at, mono: at.mono, life: at.life, ahead: kept ? Math.round(kept.ahead) : 0,
      events: of('events'), refused: of('refused') });
    return JSON.stringify({ kind: 'shiliu-scan', device: device, body: body, seal: key ? hmac(key, body) : '' });
  });
  return { texts: texts, uids: new Set(listed.map(function (one) { return one.event.uid; })) };
}
