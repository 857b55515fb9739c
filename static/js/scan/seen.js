/* Which codes were before the camera just now: one that stays in view is one scan, however long. */
import { isOpen } from './show.js';

const AGAIN = 3000;
const marks = new Map(); // code → {at, rests}

/* Whether this code is dealt with and still there. Who types one or takes a photo means it. */
export function isSeen(code, by) {
  const now = performance.now(), mark = marks.get(code);
  if (!mark || by === 'typed' || by === 'file' || now - mark.at >= AGAIN) return false;
  if (mark.rests && by !== 'camera') return false;
  if (!mark.rests || isOpen('verdict')) mark.at = now;
  return true;
}

export function mark(code) { marks.set(code, { at: performance.now(), rests: false }); }

/* Nothing came of it, or it was taken back: it is read again, though not before a thumb has had time to move the ticket
   away; at once, an undo would undo itself. */
export function rest(code) { marks.set(code, { at: performance.now(), rests: true }); }

export function forgetSeen() { marks.clear(); }
