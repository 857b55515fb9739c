/* Which session is scanned for: the one whose time it is, by the server's clock, unless the helper chose another one. */

/* The session whose time it is. Sign-in to one often opens before the other's closes: then the nearer beginning; where
   none is open, what opens next; after the last, the last. `key` changes whenever another session's turn begins. */
export function due(sessions, moment) {
  const open = sessions.filter(function (one) { return Date.parse(one.opens_at) <= moment && moment < Date.parse(one.closes_at); });
  const later = sessions.filter(function (one) { return moment < Date.parse(one.opens_at); });
  const near = open.slice().sort(function (one, other) {
    return Math.abs(Date.parse(one.starts_at) - moment) - Math.abs(Date.parse(other.starts_at) - moment);
  });
  const next = later.slice().sort(function (one, other) { return Date.parse(one.opens_at) - Date.parse(other.opens_at); });
  const last = sessions.slice().sort(function (one, other) { return Date.parse(other.closes_at) - Date.parse(one.closes_at); });
  const one = near[0] || next[0] || last[0];
  return one ? { one: one, key: one.code + (near.length ? ' open' : '') } : { one: null, key: '' };
}

/* A choice of the helper's, made now. */
export function choose(code, sessions, moment) { return { code: code, key: due(sessions, moment).key, at: moment }; }

/* It binds until another session's turn begins or the chosen one is over: never the afternoon, never the next day. */
export function binds(choice, sessions, moment) {
  const one = choice && sessions.find(function (each) { return each.code === choice.code; });
  if (!one || choice.key !== due(sessions, moment).key) return false;
  const closes = Date.parse(one.closes_at);
  return !(choice.at < closes && closes <= moment);
}

export function pick(choice, sessions, moment) {
  if (binds(choice, sessions, moment)) return choice.code;
  const now = due(sessions, moment).one;
  return now ? now.code : '';
}

/* What is to be said of the picked one; nothing while it is its time. */
export function remark(code, sessions, moment) {
  const one = sessions.find(function (each) { return each.code === code; }), now = due(sessions, moment);
  if (!one) return '';
  if (moment < Date.parse(one.opens_at)) return 'early';
  if (Date.parse(one.closes_at) <= moment) return 'over';
  return now.one.code === code ? '' : 'other';
}
