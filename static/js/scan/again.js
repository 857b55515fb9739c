/* On the page that pairs: what this phone still holds from before is said, and goes on with the new pairing. */
import { counts } from './store.js';

counts().then(function (held) {
  if (!held.waiting) return;
  document.getElementById('again-count').textContent = held.waiting;
  document.getElementById('again').hidden = false;
}, function () { /* a browser without storage: pairing itself says so */ });
