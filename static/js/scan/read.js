/* What a code or typed text means. The secret of a ticket lives in this file's variables only; what leaves is its hash. */
import { sha256 } from './sha256.js';

const TICKET = /^\/t\/([A-Za-z0-9_-]{16,64})\/?$/;
const CODE = /^[2-9A-HJKMNP-TV-Z]{8}$/; // the desk's alphabet: no 0 O 1 I L U

/* Addresses of this site, whichever of its names the phone came by. */
function pathOf(text, base) {
  let address;
  try { address = new URL(text); } catch (_none) { return null; }
  const own = [base, window.location.origin].map(function (site) { return new URL(site).host; });
  return own.indexOf(address.host) < 0 ? null : address.pathname;
}

function typedCode(text) {
  const plain = text.normalize('NFKC').replace(/[\s\-－—·]/g, '').toUpperCase();
  return CODE.test(plain) ? plain : '';
}

/* {ticket: hash}, {code}, or {wrong: title, hint}: nothing of a foreign code is sent or kept. */
export async function understand(text, base) {
  const clean = text.trim(), path = pathOf(clean, base), ticket = path && TICKET.exec(path);
  if (ticket) return { ticket: await sha256(ticket[1]) };
  if (path === null && typedCode(clean)) return { code: typedCode(clean) };
  if (path && path.indexOf('/s/') === 0) return { wrong: '这是现场码', hint: '现场码由参加的人自己扫。这里扫的是报名码' };
  if (path && path.indexOf('/scan') === 0) return { wrong: '这是配对码', hint: '这台手机已经配对，不用再扫' };
  if (path) return { wrong: '不是报名码', hint: '是本站的别的页面。请对方打开自己的报名码' };
  return { wrong: '不是本站的报名码', hint: '没有记录，也没有发出去。可以输报名码下面的8位码' };
}
