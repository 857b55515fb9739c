/* How many came of a class: asked before anything is recorded, or when the server asks. Nobody is assumed, and a number
   never adds to what another has counted unless somebody says so. */
import { clockText } from './clock.js';
import { byId, cover, say, uncover } from './show.js';
import { signal } from './sound.js';

const MOST = 999, INSIST = 3000;
const own = new Map(); // what this phone recorded of a class and the server has not answered yet, oldest first
let asked = null, insisted = -INSIST, sure = 0;

function number() {
  const text = byId('party-people').value.normalize('NFKC').trim();
  return /^\d+$/.test(text) ? Number(text) : 0;
}
function set(people) { byId('party-people').value = Math.min(MOST, Math.max(1, people)); }
/* So far above the registered number that a slip may have made it (rules.py, is_far_above). */
function isFar(people, expected) { return expected > 0 && people > expected * 2 && people > expected + 20; }
function keyOf(fields) { return fields.session + ' ' + (fields.ticket || fields.code); }

/* first: nobody was here as far as we know; whole: so many altogether; part: so many more. */
function choice() {
  if (byId('party-which').hidden) return 'first';
  return byId('party-whole').checked ? 'whole' : 'part';
}

function follow() {
  const which = choice(), known = asked.known;
  byId('party-label').textContent = { first: '来了几人', whole: '一共几人', part: '又来了几人' }[which];
  byId('party-go').textContent = { first: '签到', whole: '核对', part: '加上' }[which];
  byId('party-hint').textContent = { first: '分几批来的，这一批几人就填几人。', whole: '数过了，就按这个数，代替先前报的。', part: '后到的一批，加在先前的数上。' }[which];
  set(which === 'whole' ? known.here : asked.people || asked.entry.people - known.here);
}

function textOf(entry, found, people) {
  const said = '已报' + found.here + '人' + (found.at ? '（' + clockText(found.at) + '）' : '');
  // Another's number is offered: one's own must not be lost over it.
  const mine = people && people !== found.here ? '您数的' + people + '人' : '';
  return found.here ? [said, mine, '报名' + entry.people + '人'].filter(Boolean).join('，') : '报了' + entry.people + '人';
}

/* `fields` of the event; `people` where this phone has said a number already. */
export function askPeople(entry, fields, people) {
  const found = known(entry, fields);
  asked = { entry: entry, fields: fields, known: found, people: people || 0 };
  sure = 0;
  byId('party-who').textContent = entry.n;
  byId('party-text').textContent = textOf(entry, found, asked.people);
  byId('party-which').hidden = !found.here;
  byId('party-whole').checked = true;
  follow();
  note('');
  // A phone would push its keys over the buttons.
  cover('party', window.matchMedia('(pointer: fine)').matches ? byId('party-people') : byId('party-who'));
  say(entry.n + '，' + (found.here ? byId('party-text').textContent : '来了几人'));
}

function note(words) {
  byId('party-note').textContent = words;
  byId('party-note').hidden = !words;
  byId('party').classList.toggle('nudge', Boolean(words));
}

/* Another code while the number is missing: it is not read, and a ticket that stays in view is said so now and then. */
export function insist() {
  if (!byId('party-note').hidden && performance.now() - insisted < INSIST) return;
  insisted = performance.now();
  note('先填这个班来了几人。刚扫的那张还没有记，填好以后再扫一次。');
  say(byId('party-note').textContent);
  signal('warn');
}

/* `counted(fields, entry)` records it; `left(fields)`: nobody said a number. */
export function bindParty(counted, left) {
  ['party-whole', 'party-part'].forEach(function (id) {
    byId(id).addEventListener('change', function () { follow(); say(byId('party-label').textContent); });
  });
  byId('party-less').addEventListener('click', function () { set(number() - 1); say(number() + '人'); });
  byId('party-more').addEventListener('click', function () { set(number() + 1); say(number() + '人'); });
  byId('party-back').addEventListener('click', function () { uncover(); left(asked.fields); });
  byId('party').addEventListener('submit', function (event) {
    event.preventDefault();
    if (number() >= 1 && number() <= MOST && isFar(number(), asked.entry.people) && sure !== number()) {
      sure = number();
      note('报名' + asked.entry.people + '人，您填了' + sure + '人，对吗？对的，再按一次；不对，改了再按。');
      say(byId('party-note').textContent);
      return;
    }
    if (number() < 1 || number() > MOST) { note('人数填1到' + MOST + '的数。'); say('人数填1到' + MOST + '的数'); byId('party-people').select(); return; }
    const fields = Object.assign({}, asked.fields, { people: number(), count_as: choice() });
    uncover();
    counted(fields, asked.entry);
  });
}

/* This phone recorded a number, so the next one of the same class is asked whether it adds. */
export function remember(event) {
  if (!event.count_as) return;
  own.set(keyOf(event), (own.get(keyOf(event)) || []).concat(event));
}

/* It was taken back, or answered: then the roster knows it. */
export function forgetPeople(uid) {
  own.forEach(function (listed, key) { own.set(key, listed.filter(function (event) { return event.uid !== uid; })); });
}

/* The page was opened anew: what still waits says what this phone has counted. */
export function recount(held) {
  held.queue.slice().sort(function (one, other) { return one.counter - other.counter; }).forEach(function (event) {
    if (event.kind === 'undo') forgetPeople(event.refers_to); else remember(event);
  });
}

/* Who is here as the roster knows, and by what waits on this phone. A first number where others have counted adds nothing. */
function known(entry, fields) {
  return (own.get(keyOf(fields)) || []).reduce(function (sum, event) {
    const here = { first: sum.here || event.people, whole: event.people, part: sum.here + event.people }[event.count_as];
    return { here: here, at: sum.at || event.device_at };
  }, { here: entry.here || 0, at: entry.here ? entry.at : null });
}
