/* Results as words: what the server answered, and what the roster of this phone hints at while there is no answer. */
import { clockText, momentText } from './clock.js';

const TEXTS = {
  duplicate: '不用再扫，没有重复计数',
  retry: '先存在这台手机里，稍后再送',
};

const HELD = ['unknown', 'quarantined', 'conflict']; // what waits for the organizer: a slip is the helper's to take back
const COUNTED = ['accepted', 'duplicate', 'undone'];

export function whoText(name, people) {
  return [name, people ? people + '人' : ''].filter(Boolean).join('，');
}

function nameOf(event) { return event.walk_in ? '没报名的' : event.code ? '报名码 ' + event.code : ''; }

/* The server's sentence as a title and the rest of it. */
function split(sentence) {
  const parts = sentence.replace(/。$/, '').split(/[，。]/);
  return { title: parts[0], rest: parts.slice(1).join('，') };
}

/* What the helper does now, as the guide says (docs/helpers.md). */
function advice(event, answer, tone, isOfMany) {
  if (event.kind !== 'arrival' || !answer.stored) return '';
  if (tone === 'warn') return answer.outcome === 'duplicate' || /核实/.test(answer.message) ? '请进' : '';
  if (tone !== 'bad') return '';
  return isOfMany && /不是本场|另一场/.test(answer.message) ? '换一场再扫，或请他到签到台' : '请他到签到台';
}

/* An undo is seen in the row of the scan that it takes back: who that was, and that it is gone, or why not. */
function ofUndo(answer, place, before) {
  const said = split(answer.message), isDone = answer.outcome === 'undone';
  return {
    tone: 'warn', shape: 'warn', title: said.title, text: said.rest || place, undo: false,
    who: before && before.who ? before.who : whoText(answer.name, answer.people),
    line: isDone ? '' : answer.message.split('。')[0],
  };
}

/* What the server decided; `more`: before, what was shown until now, and isOfMany, whether the phone has several sessions. */
export function fromAnswer(event, answer, place, more) {
  if (event.kind === 'undo' && answer.stored) return ofUndo(answer, place, more.before);
  const tone = { green: 'good', amber: 'warn', red: 'bad' }[answer.tone] || 'warn';
  const arrived = answer.outcome === 'accepted', isHeld = HELD.indexOf(answer.outcome) >= 0, said = split(answer.message);
  const parts = arrived && answer.here > answer.people ? '一共到了' + answer.here + '人' : '';
  // Of a ticket that the server does not know, nobody knows how many it is for.
  const known = Boolean(answer.name) || COUNTED.indexOf(answer.outcome) >= 0;
  const lost = !answer.stored && answer.outcome === 'refused' ? '已放进交接文件，请告诉主办单位' : '';
  const first = advice(event, answer, tone, more.isOfMany), rest = first ? said.rest.replace(/^请到签到台$/, '') : said.rest;
  const text = lost || parts || TEXTS[answer.outcome] || rest || place;
  return {
    tone: tone,
    shape: answer.stored || tone === 'bad' ? tone : 'wait',
    title: said.title,
    who: known ? whoText(answer.name || (event.walk_in ? '没报名的' : ''), answer.people) : whoText(nameOf(event), event.walk_in ? answer.people : 0),
    text: /签到台|请进/.test(text) ? text : [first, text].filter(Boolean).join('。'),
    undo: answer.stored && (arrived || isHeld),
  };
}

/* Never green: the roster may be old. `before`: of an undo, what was shown of its scan. */
export function fromRoster(event, entry, hints, before) {
  const name = entry ? entry.n : nameOf(event);
  const people = event.people || (entry ? entry.people : 0);
  let text = navigator.onLine === false ? '没有网，先存在这台手机里' : '还没送到，先存在这台手机里';
  if (event.kind === 'undo') {
    return { tone: 'warn', shape: 'wait', title: '已撤销，待同步', who: before ? before.who : '', text: '撤销已存在这台手机里，联网后送出', undo: false };
  }
  if (hints.here) text = '这台手机' + clockText(hints.here) + '扫过这张';
  else if (entry && entry.at && entry.kind !== 'party') text = '名单上已于' + momentText(entry.at, event.device_at) + '签到';
  else if (entry && entry.state === 'cancelled') text = '名单上这张已取消，联网后核对';
  else if (entry && entry.state === 'waitlisted') text = '名单上还在候补，联网后核对';
  else if (entry && entry.state === 'pending') text = '名单上还没有确认，联网后核对';
  else if (entry && hints.other) text = '名单上是另一场的，联网后核对';
  else if (event.ticket && !entry) text = '手机里的名单没有这张，联网后核对';
  return { tone: 'warn', shape: 'wait', title: '已记录，待同步', who: whoText(name, people), text: '请进。' + text, undo: true };
}
