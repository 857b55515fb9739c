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
  try {
    navigator.serviceWorker.addEventListener('message', function (event) {
      if (!event.data || !event.data.held) return;
      clearTimeout(late);
      tell(true);
    });
    await navigator.serviceWorker.register(address, { scope: '/scan' });
    const ready = await navigator.serviceWorker.ready;
    ready.active.postMessage({ hold: more });
  } catch (_refused) {
    clearTimeout(late);
    tell(false);
  }
}
