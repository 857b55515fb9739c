/* The viewfinder with its tools: torch, which camera, a photo instead; and words where there is no camera. */
import { createCamera, readPhoto } from './camera.js';
import { byId, verdict } from './show.js';
import * as store from './store.js';

const REFUSED = {
  NotAllowedError: '没有摄像头的许可。请在浏览器的网站设置里允许摄像头，再按一次；也可以用下面的办法。',
  NotFoundError: '这台设备没有摄像头。可以用下面的办法。',
  NotReadableError: '摄像头被别的程序占着。关掉它再按一次；也可以用下面的办法。',
};
const NO_CAMERA = '这个网址或浏览器打不开摄像头（要 https）。可以拍照识别、输8位码、接扫码枪，或用手机自带相机、微信扫一扫打开报名码。';

export function createCameraTools(addresses, take) {
  const video = byId('video'), camera = createCamera(video, addresses, function (text) { take(text, 'camera'); });
  let awake = null;

  function word(text) { byId('finder-word').textContent = text || byId('finder-word').dataset.rest || ''; }

  function rest(text) {
    byId('finder-word').dataset.rest = text;
    word('');
  }

  async function stayAwake() {
    if (!navigator.wakeLock || document.hidden || !video.srcObject) return;
    try { awake = await navigator.wakeLock.request('screen'); } catch (_low) { awake = null; }
  }

  async function showCameras() {
    const all = await camera.cameras(), select = byId('cameras');
    byId('cameras-field').hidden = all.length < 2;
    select.textContent = '';
    all.forEach(function (one, i) {
      const option = document.createElement('option');
      option.value = one.deviceId;
      option.textContent = one.label || '摄像头' + (i + 1);
      select.appendChild(option);
    });
    select.value = camera.current();
  }

  function off(text) {
    byId('finder').classList.remove('on');
    byId('camera-open').hidden = !navigator.mediaDevices;
    byId('torch').hidden = true;
    rest(text);
  }

  async function open(id) {
    word('正在打开摄像头');
    try {
      await camera.start(id);
    } catch (error) {
      off(REFUSED[error.name] || '摄像头没有打开。请再按一次，或用下面的办法。');
      return;
    }
    byId('finder').classList.add('on');
    byId('camera-open').hidden = true;
    byId('torch').hidden = !camera.hasTorch();
    byId('torch').setAttribute('aria-pressed', 'false');
    rest('把报名码放进框里');
    camera.lost(function () { off('摄像头断开了，请再打开'); });
    showCameras();
    stayAwake();
  }

  async function photo() {
    const field = byId('photo'), file = field.files[0];
    if (!file) return;
    word('正在看照片');
    let text = '';
    try { text = await readPhoto(file, addresses); } catch (_broken) { text = ''; }
    field.value = '';
    word('');
    if (text) take(text, 'file');
    else verdict('', { tone: 'bad', title: '照片里没有看清码', text: '离近一点、拍正一点再试，或输8位码' });
  }

  byId('photo').addEventListener('change', photo);
  byId('camera-open').addEventListener('click', function () { open(''); });
  byId('cameras').addEventListener('change', function () { store.keep('camera', byId('cameras').value); open(byId('cameras').value); });
  byId('torch').addEventListener('click', function () {
    const on = byId('torch').getAttribute('aria-pressed') !== 'true';
    camera.torch(on).then(function () { byId('torch').setAttribute('aria-pressed', String(on)); }, function () { byId('torch').hidden = true; });
  });
  document.addEventListener('visibilitychange', function () {
    if (!awake || awake.released) stayAwake();
  });

  async function begin() {
    if (!navigator.mediaDevices || !navigator.mediaDevices.getUserMedia) { off(NO_CAMERA); return; }
    byId('camera-open').hidden = false;
    rest('');
    const asked = navigator.permissions ? await navigator.permissions.query({ name: 'camera' }).catch(function () { return null; }) : null;
    if (asked && asked.state === 'granted') open((await store.kept('camera')) || '');
  }

  return { begin: begin, word: word, stop: camera.stop };
}
