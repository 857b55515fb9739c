/* What is heard and felt: high twice is good, one middle tone asks to look, a low one is no. */
const TONES = { good: [[880, 0.09], [1320, 0.14]], warn: [[620, 0.12], [620, 0.16]], bad: [[200, 0.45]] };
const SHAKES = { good: [70], warn: [70, 80, 70], bad: [300] };
let box = null, muted = false;

export function mute(on) { muted = on; }

/* Browsers allow sound only after a touch. */
export function wakeSound() {
  const Box = window.AudioContext || window.webkitAudioContext;
  if (!box && Box) box = new Box();
  if (box && box.state === 'suspended') box.resume();
}

export function signal(tone) {
  if (navigator.vibrate) navigator.vibrate(SHAKES[tone]);
  if (muted || !box || box.state !== 'running') return;
  let at = box.currentTime;
  TONES[tone].forEach(function (part) {
    const voice = box.createOscillator(), loud = box.createGain();
    voice.type = tone === 'bad' ? 'square' : 'sine';
    voice.frequency.value = part[0];
    loud.gain.setValueAtTime(0.25, at);
    loud.gain.exponentialRampToValueAtTime(0.001, at + part[1]);
    voice.connect(loud).connect(box.destination);
    voice.start(at);
    voice.stop(at + part[1]);
    at += part[1] + 0.03;
  });
}
