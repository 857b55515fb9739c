/* Keeps the helpers' page and its files: network first for the page, the cache first for files named by content.
   The server writes VERSION and FILES in front. */
const PAGE = '/scan', PATIENCE = 4000, NAME = 'scan-' + VERSION;

// Trap: the page of a newer version names modules that this cache lacks; kept here it would be a dead page without network.
function isOurs(answer) {
  return answer.ok && answer.headers.get('X-Scan') === 'paired' && answer.headers.get('X-Scan-Version') === VERSION;
}

async function keepPage(answer) {
  if (isOurs(answer)) await (await caches.open(NAME)).put(PAGE, answer.clone());
  return answer;
}

async function install() {
  try {
    await (await caches.open(NAME)).addAll(FILES);
  } catch (error) {
    await caches.delete(NAME); // a version that did not arrive whole leaves nothing behind
    throw error;
  }
  await keepPage(await fetch(PAGE, { credentials: 'same-origin', cache: 'no-store' }));
  await self.skipWaiting();
}

/* The reader is large and named by its content: it moves along, so that no moment is without it. */
async function moveIn(name) {
  const old = await caches.open(name), own = await caches.open(NAME);
  for (const asked of await old.keys()) {
    if (new URL(asked.url).pathname.startsWith('/static/vendor/')) await own.put(asked, await old.match(asked));
  }
  await caches.delete(name);
}

async function activate() {
  const names = await caches.keys();
  await Promise.all(names.filter((name) => name.startsWith('scan-') && name !== NAME).map(moveIn));
  await self.clients.claim();
}

async function page(request) {
  const held = await caches.match(PAGE, { ignoreVary: true });
  const fresh = fetch(request).then(keepPage);
  if (!held) return fresh;
  fresh.catch(() => undefined); // an answer that comes too late is not an error
  const late = new Promise((resolve) => setTimeout(resolve, PATIENCE, held));
  return Promise.race([fresh.then((answer) => (answer.status >= 500 ? held : answer)), late]).catch(() => held);
}

async function file(request) { return (await caches.match(request, { ignoreVary: true })) || fetch(request); }

self.addEventListener('install', (event) => event.waitUntil(install()));
self.addEventListener('activate', (event) => event.waitUntil(activate()));
self.addEventListener('fetch', (event) => {
  const address = new URL(event.request.url);
  if (event.request.method !== 'GET' || address.origin !== self.location.origin) return;
  if (address.pathname === PAGE && event.request.mode === 'navigate') event.respondWith(page(event.request));
  else if (/^\/(static|scan\/js)\//.test(address.pathname)) event.respondWith(file(event.request));
});
self.addEventListener('message', (event) => {
  if (!event.data || !event.data.hold) return;
  const keep = async () => {
    await (await caches.open(NAME)).addAll(event.data.hold);
    event.source.postMessage({ held: true });
  };
  event.waitUntil(keep());
});
