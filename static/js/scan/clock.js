/* Moments of this phone: wall clock, time since the page began, and which page life that was. */
const SLEPT = 5000;
let life = random(), born = Date.now() - performance.now();

export function random() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return btoa(String.fromCharCode.apply(null, bytes)).replace(/\+/g, '-').replace(/\//g, '_').replace(/=+$/, '');
}

/* Trap: the page's own clock stands still while a phone sleeps. A gap between the two clocks begins a new life,
   so that the server measures what came before it by the wall clock. */
export function moment() {
  const wall = Date.now(), mono = performance.now();
  if (Math.abs(wall - mono - born) > SLEPT) { life = random(); born = wall - mono; }
  return { at: Math.round(wall), mono: Math.round(mono), life: life };
}

export function clockText(value) {
  return new Intl.DateTimeFormat('zh-CN', { hour: '2-digit', minute: '2-digit', hourCycle: 'h23', timeZone: 'Asia/Shanghai' })
    .format(new Date(value));
}

/* For a file's name, as 202609010902: Shanghai's clock, which knows no summer time. */
export function stampText(value) {
  return new Date(value + 8 * 3600000).toISOString().slice(0, 16).replace(/\D/g, '');
}

/* The day in Shanghai, as 9月1日. */
export function dayText(value) {
  return new Intl.DateTimeFormat('zh-CN', { month: 'long', day: 'numeric', timeZone: 'Asia/Shanghai' }).format(new Date(value));
}

/* The clock of a moment, with its date where that is not the day of `now`. */
export function momentText(value, now) {
  return (dayText(value) === dayText(now) ? '' : dayText(value)) + clockText(value);
}
