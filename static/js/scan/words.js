/* Results as words: what the server answered, and what the roster of this phone hints at while there is no answer. */
import { clockText, momentText } from './clock.js';

const TEXTS = {
  duplicate: '不用再扫，没有重复计数',
  retry: '先存在这台手机里，稍后再送',
};

const COUNTED = ['accepted', 'duplicate', 'undone'];

export function whoText(name, people) {
  return [name, people ? people + '人' : ''].filter(Boolean).join('，');
}

/* The server's sentence as a title and the rest of it. */
function split(sentence) {
  const parts = sentence.replace(/。$/, '').split(/[，。]/);
  return { title: parts[0], rest: parts.slice(1).join('，') };
}

/* What the server decided. */
export function fromAnswer(event, answer, place) {
  const tone = { green: 'good', amber: 'warn', red: 'bad' }[answer.tone] || 'warn';
  const arrived = event.kind === 'arrival' && answer.outcome === 'accepted', said = split(answer.message);
  const parts = arrived && answer.here > answer.people ? '一共到了' + answer.here + '人' : '';
  // Of a ticket that the server does not know, nobody knows how many it is for.
  const known = Boolean(answer.name) || COUNTED.indexOf(answer.outcome) >= 0;
  const lost = !answer.stored && answer.outcome === 'refused' ? '已放进交接文件，请告诉主办单位' : '';
  return {
    tone: tone,
    shape: answer.stored || tone === 'bad' ? tone : 'wait',
    title: said.title,
    who: known ? whoText(answer.name || (event.walk_in ? '没报名的' : ''), answer.people) : '',
    text: lost || parts || TEXTS[answer.outcome] || said.rest || place,
    undo: arrived,
  };
}

/* Never green: the roster may be old. */
export function fromRoster(event, entry, hints) {
  const name = entry ? entry.n : event.walk_in ? '没报名的' : event.code ? '报名码 ' + event.code : '';
  const people = event.people || (entry ? entry.people : 0);
  let text = navigator.onLine === false ? '没有网，先存在这台手机里' : '还没送到，先存在这台手机里';
  if (event.kind === 'undo') text = '撤销已存在这台手机里，联网后送出';
  else if (hints.here) text = '这台手机' + clockText(hints.here) + '扫过这张';
  else if (entry && entry.at && entry.kind !== 'party') text = '名单上已于' + momentText(entry.at, event.device_at) + '签到';
  else if (entry && entry.state === 'cancelled') text = '名单上这张已取消，联网后核对';
  else if (entry && entry.state === 'waitlisted') text = '名单上还在候补，联网后核对';
  else if (entry && entry.state === 'pending') text = '名单上还没有确认，联网后核对';
  else if (entry && hints.other) text = '名单上是另一场的，联网后核对';
  else if (event.ticket && !entry) text = '手机里的名单没有这张，联网后核对';
  return { tone: 'warn', shape: 'wait', title: '已记录，待同步', who: whoText(name, people), text: text, undo: event.kind !== 'undo' };
}
