/* SHA-256 as hex. Pages over plain http (a local network while developing) lack crypto.subtle: then by hand. */
function primes(most) {
  const found = [];
  for (let n = 2; found.length < most; n++) if (found.every(function (p) { return n % p; })) found.push(n);
  return found;
}

function fraction(root) { return ((root - Math.floor(root)) * 4294967296) | 0; }
function turn(word, by) { return (word >>> by) | (word << (32 - by)); }

function round(state, w, k) {
  let [a, b, c, d, e, f, g, h] = state;
  for (let i = 0; i < 64; i++) {
    const one = (h + (turn(e, 6) ^ turn(e, 11) ^ turn(e, 25)) + ((e & f) ^ (~e & g)) + k[i] + w[i]) | 0;
    const two = ((turn(a, 2) ^ turn(a, 13) ^ turn(a, 22)) + ((a & b) ^ (a & c) ^ (b & c))) | 0;
    h = g; g = f; f = e; e = (d + one) | 0; d = c; c = b; b = a; a = (one + two) | 0;
  }
  return [a, b, c, d, e, f, g, h].map(function (word, i) { return (state[i] + word) | 0; });
}

export function byHand(bytes) {
  const first = primes(64), k = first.map(function (p) { return fraction(Math.cbrt(p)); });
  let state = first.slice(0, 8).map(function (p) { return fraction(Math.sqrt(p)); });
  const padded = new Uint8Array(((bytes.length + 8) >> 6 << 6) + 64), view = new DataView(padded.buffer);
  padded.set(bytes);
  padded[bytes.length] = 128;
  view.setUint32(padded.length - 4, bytes.length * 8);
  for (let at = 0; at < padded.length; at += 64) {
    const w = [];
    for (let i = 0; i < 64; i++) {
      if (i < 16) { w.push(view.getInt32(at + i * 4)); continue; }
      const x = w[i - 15], y = w[i - 2];
      w.push((w[i - 16] + (turn(x, 7) ^ turn(x, 18) ^ (x >>> 3)) + w[i - 7] + (turn(y, 17) ^ turn(y, 19) ^ (y >>> 10))) | 0);
    }
    state = round(state, w, k);
  }
  return state.map(function (word) { return (word >>> 0).toString(16).padStart(8, '0'); }).join('');
}

function bytesOf(hex) { return Uint8Array.from(hex.match(/../g), function (two) { return parseInt(two, 16); }); }

/* HMAC-SHA-256 as hex, by hand: it runs once a shift. The key is shorter than a block. */
export function hmac(key, text) {
  const encode = new TextEncoder(), short = encode.encode(key), body = encode.encode(text);
  function pad(byte, rest) {
    const all = new Uint8Array(64 + rest.length).fill(byte, 0, 64);
    short.forEach(function (each, at) { all[at] ^= each; });
    all.set(rest, 64);
    return all;
  }
  return byHand(pad(0x5c, bytesOf(byHand(pad(0x36, body)))));
}

export async function sha256(text) {
  const bytes = new TextEncoder().encode(text);
  if (!window.crypto || !crypto.subtle) return byHand(bytes);
  const made = new Uint8Array(await crypto.subtle.digest('SHA-256', bytes));
  return Array.from(made, function (byte) { return byte.toString(16).padStart(2, '0'); }).join('');
}
