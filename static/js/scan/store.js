/* What this phone holds in IndexedDB: the queue, what has to be handed over, the roster. Never the secret of a ticket. */
const NAME = 'shiliu-scan';
const STORES = ['queue', 'handover', 'kept'];
let opened = null, shut = false, wiped = null; // shut: the phone was wiped, and this page opens nothing again

function open() {
  if (shut) return Promise.reject(new Error('wiped'));
  if (opened) return opened;
  opened = new Promise(function (resolve, reject) {
    const asked = indexedDB.open(NAME, 1);
    asked.onupgradeneeded = function () {
      asked.result.createObjectStore('queue', { keyPath: 'uid' }).createIndex('counter', 'counter');
      asked.result.createObjectStore('handover', { keyPath: 'uid' });
      asked.result.createObjectStore('kept');
    };
    asked.onsuccess = function () {
      const base = asked.result;
      // iOS takes the connection away in the background: open again when asked. Deleted, by another tab, it stays so.
      base.onversionchange = function (event) { base.close(); opened = null; if (event.newVersion === null) leave(); };
      base.onclose = function () { opened = null; };
      resolve(base);
    };
    asked.onerror = function () { reject(asked.error); };
  });
  opened.catch(function () { opened = null; });
  return opened;
}

function begin(base, mode) {
  // strict: on the disk before we are told, so that a colour never promises more than there is.
  return mode === 'readwrite' ? base.transaction(STORES, mode, { durability: 'strict' }) : base.transaction(STORES, mode);
}

/* Runs `work(stores, answer)` in one transaction; resolves with what was answered once it is complete. */
async function within(mode, work) {
  let deal;
  try {
    deal = begin(await open(), mode);
  } catch (error) {
    if (error.name !== 'InvalidStateError') throw error;
    opened = null;
    deal = begin(await open(), mode);
  }
  return new Promise(function (resolve, reject) {
    let answer;
    const stores = {};
    STORES.forEach(function (name) { stores[name] = deal.objectStore(name); });
    deal.oncomplete = function () { resolve(answer); };
    deal.onabort = deal.onerror = function () { reject(deal.error || new Error('aborted')); };
    work(stores, function (value) { answer = value; });
  });
}

function take(request, then) { request.onsuccess = function () { then(request.result); }; }

/* Adds the event with the next number of this phone. Resolves when it is on the disk. */
export function record(event) {
  return within('readwrite', function (stores, answer) {
    take(stores.kept.get('counter'), function (last) {
      const numbered = Object.assign({}, event, { counter: (last || 0) + 1 });
      stores.kept.put(numbered.counter, 'counter');
      stores.queue.add(numbered);
      answer(numbered);
    });
  });
}

/* The oldest events of the queue. */
export function first(most, skipped) {
  return within('readonly', function (stores, answer) {
    const found = [];
    answer(found);
    stores.queue.index('counter').openCursor().onsuccess = function (event) {
      const cursor = event.target.result;
      if (!cursor || found.length >= most) return;
      if (!skipped.has(cursor.value.uid)) found.push(cursor.value);
      cursor.continue();
    };
  });
}

/* Events that the server has stored leave; those that it can never store go to what is handed over. */
export function settle(stored, refused) {
  return within('readwrite', function (stores) {
    stored.forEach(function (uid) { stores.queue.delete(uid); });
    refused.forEach(function (pair) {
      stores.handover.put(Object.assign({}, pair.event, { said: pair.message }));
      stores.queue.delete(pair.event.uid);
    });
  });
}

export function counts() {
  return within('readonly', function (stores, answer) {
    take(stores.queue.count(), function (waiting) {
      take(stores.handover.count(), function (handover) { answer({ waiting: waiting, handover: handover }); });
    });
  });
}

export function everything() {
  return within('readonly', function (stores, answer) {
    take(stores.queue.getAll(), function (queue) {
      take(stores.handover.getAll(), function (handover) { answer({ queue: queue, handover: handover }); });
    });
  });
}

export function keep(name, value) {
  return within('readwrite', function (stores) { stores.kept.put(value, name); });
}

export function kept(name) {
  return within('readonly', function (stores, answer) { take(stores.kept.get(name), answer); });
}

/* Names of a pairing that is over go; what seals a hand-over file and tells its time stays with what waits. */
export async function forgetNames() {
  const roster = await kept('roster');
  await within('readwrite', function (stores) {
    if (roster) stores.kept.put({ body: { device: roster.body.device, sessions: [], tickets: [] }, mark: '', ahead: roster.ahead }, 'roster');
    stores.kept.delete('learned');
    stores.kept.delete('recent');
  });
}

export function isShut() { return shut; }

function leave() {
  if (shut) return;
  shut = true;
  if (opened) opened.then(function (base) { base.close(); });
  if (wiped) wiped();
}

/* Another tab wiped the phone: `then` takes away what is still seen here. */
export function whenWiped(then) {
  wiped = then;
  if (window.BroadcastChannel) new BroadcastChannel(NAME).onmessage = leave; // a tab without a connection hears nothing else
}

/* Emptied before it is deleted: a tab that sleeps can hold up the deleting. */
async function wipe() {
  await within('readwrite', function (stores) { STORES.forEach(function (name) { stores[name].clear(); }); });
  shut = true;
  if (opened) (await opened).close();
  if (window.BroadcastChannel) new BroadcastChannel(NAME).postMessage('wiped');
  return new Promise(function (resolve, reject) {
    const asked = indexedDB.deleteDatabase(NAME);
    asked.onsuccess = asked.onblocked = resolve;
    asked.onerror = function () { reject(asked.error); };
  });
}

/* Nothing of the day stays on the phone: records, roster, held pages, the worker. */
export async function forget() {
  await wipe();
  if (window.caches) {
    const names = await caches.keys();
    await Promise.all(names.filter(function (name) { return name.indexOf('scan-') === 0; }).map(function (name) { return caches.delete(name); }));
  }
  const workers = navigator.serviceWorker ? await navigator.serviceWorker.getRegistrations() : [];
  await Promise.all(workers.map(function (worker) { return worker.unregister(); }));
}
