/* The service worker that keeps this page for when there is no network. Where there is none, the page says so. */
import { byId } from './show.js';

const PATIENCE = 20000;

function tell(isHeld) {
  byId('held').hidden = !isHeld;
  byId('no-worker').hidden = isHeld;
}

export async function hold(address, more) {
  if (!navigator.serviceWorker) { tell(false); return; }
  const late = setTimeout(tell, PATIENCE, false); // better a warning too many than a page that is not there
  let asked = null;
  function ask(worker) {
    if (!worker || worker === asked) return;
    asked = worker;
    worker.postMessage({ hold: more });
  }
  try {
    navigator.serviceWorker.addEventListener('message', function (event) {
      if (!event.data || !event.data.held) return;
      clearTimeout(late);
      tell(true);
    });
    await navigator.serviceWorker.register(address, { scope: '/scan' });
    const ready = await navigator.serviceWorker.ready;
    ask(ready.active);
    // A newer worker has a cache of its own.
    navigator.serviceWorker.addEventListener('controllerchange', function () { ask(navigator.serviceWorker.controller); });
  } catch (_refused) {
    clearTimeout(late);
    tell(false);
  }
}
