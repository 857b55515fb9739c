/* The page's camera and photos from the picker; the reader (WebAssembly) is fetched when it is first needed. */
const WIDEST = 960, PHOTO_WIDEST = 2000, REST = 100;
let reader = null;

/* Adds the reader's script and has it fetch its wasm from our own site. */
export function loadReader(addresses) {
  if (reader) return reader;
  reader = new Promise(function (resolve, reject) {
    const script = document.createElement('script');
    script.src = addresses.script;
    script.onload = function () {
      const overrides = { locateFile: function () { return addresses.wasm; } };
      window.ZXingWASM.prepareZXingModule({ overrides: overrides, fireImmediately: true }).then(resolve, reject);
    };
    script.onerror = function () { reject(new Error('reader')); };
    document.head.appendChild(script);
  });
  reader.catch(function () { reader = null; });
  return reader;
}

async function codesIn(picture) {
  const options = { formats: ['QRCode'], tryHarder: true, maxNumberOfSymbols: 1 };
  const found = await window.ZXingWASM.readBarcodes(picture, options);
  return found.filter(function (one) { return one.isValid; }).map(function (one) { return one.text; });
}

function pixels(canvas, source, width, height, widest) {
  const scale = Math.min(1, widest / Math.max(width, height));
  canvas.width = Math.round(width * scale);
  canvas.height = Math.round(height * scale);
  const pen = canvas.getContext('2d', { willReadFrequently: true });
  pen.drawImage(source, 0, 0, canvas.width, canvas.height);
  return pen.getImageData(0, 0, canvas.width, canvas.height);
}

/* The code in a photo, or ''. */
export async function readPhoto(file, addresses) {
  await loadReader(addresses);
  const image = new Image(), address = URL.createObjectURL(file), canvas = document.createElement('canvas');
  try {
    await new Promise(function (resolve, reject) { image.onload = resolve; image.onerror = reject; image.src = address; });
    for (const widest of [PHOTO_WIDEST, WIDEST]) {
      const found = await codesIn(pixels(canvas, image, image.naturalWidth, image.naturalHeight, widest));
      if (found.length) return found[0];
    }
    return '';
  } finally {
    URL.revokeObjectURL(address);
  }
}

/* {start(id), stop(), torch(on), cameras(), …} over a <video>. */
export function createCamera(video, addresses, found) {
  const canvas = document.createElement('canvas');
  let stream = null, timer = 0;

  async function look() {
    const began = performance.now();
    if (stream && !document.hidden && video.videoWidth) {
      try {
        const texts = await codesIn(pixels(canvas, video, video.videoWidth, video.videoHeight, WIDEST));
        if (texts.length) found(texts[0]);
      } catch (_unreadable) { /* the next frame */ }
    }
    // A slow phone keeps two thirds of its time for everything else.
    if (stream) timer = setTimeout(look, Math.max(REST, 2 * (performance.now() - began)));
  }

  function stop() {
    clearTimeout(timer);
    if (stream) stream.getTracks().forEach(function (track) { track.stop(); });
    stream = null;
  }

  async function start(id) {
    stop();
    const wish = id ? { deviceId: { exact: id } } : { facingMode: { ideal: 'environment' } };
    const fresh = await navigator.mediaDevices.getUserMedia({
      audio: false, video: Object.assign({ width: { ideal: 1280 }, height: { ideal: 720 } }, wish),
    });
    stream = fresh;
    video.srcObject = fresh;
    await video.play();
    await loadReader(addresses);
    if (stream === fresh) look();
  }

  function track() { return stream ? stream.getVideoTracks()[0] : null; }

  return {
    start: start,
    stop: stop,
    hasTorch: function () { const t = track(); return Boolean(t && t.getCapabilities && t.getCapabilities().torch); },
    torch: function (on) { return track().applyConstraints({ advanced: [{ torch: on }] }); },
    current: function () { const t = track(); return t && t.getSettings ? t.getSettings().deviceId : ''; },
    cameras: async function () {
      const all = await navigator.mediaDevices.enumerateDevices();
      return all.filter(function (one) { return one.kind === 'videoinput'; });
    },
    lost: function (then) { const t = track(); if (t) t.addEventListener('ended', then); },
  };
}
