/* On the page that pairs: what this phone still holds from before is said, and goes on with the new pairing. Names are
   not kept for a pairing that is over. */
import * as store from './store.js';

async function again() {
  const held = await store.counts();
  if (held.waiting + held.handover) {
    await store.keep('roster', undefined);
    await store.keep('learned', undefined);
    await store.keep('recent', undefined);
    document.getElementById('again-count').textContent = held.waiting + held.handover;
    document.getElementById('again').hidden = false;
  } else {
    await store.forget();
  }
}

again().catch(function () { /* a browser without storage: the scanner itself says so */ });
