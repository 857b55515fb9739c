/* The service worker that keeps this page for when there is no network. Where there is none, the page says so. */
import { byId } from './show.js';

function without() { byId('no-worker').hidden = false; }

export async function hold(address, more) {
  if (!navigator.serviceWorker) { without(); return; }
  try {
    navigator.serviceWorker.addEventListener('message', function (event) {
      if (event.data && event.data.held) byId('held').hidden = false;
    });
    await navigator.serviceWorker.register(address, { scope: '/scan' });
    const ready = await navigator.serviceWorker.ready;
    ready.active.postMessage({ hold: more });
  } catch (_refused) {
    without();
  }
}
