/**
 * What a close code means to a person, and whether coming back makes sense.
 *
 * The codes are those of RFC 6455 section 7.4 and the IANA registry of later ones.
 */

/**
 * `soon`: reconnect with the usual backoff. `later`: reconnect, but not at once. `never`: trying again by
 * ourselves would only meet the same answer; a person may still ask for it.
 * @typedef {'soon' | 'later' | 'never'} Retry
 */

/** @type {ReadonlyMap<number, { says: string, retry: Retry }>} */
const CODES = new Map([
  [1000, { says: 'The server ended the connection', retry: 'never' }],
  [1001, { says: 'The server is going away', retry: 'soon' }],
  [1002, { says: 'The server saw a protocol error', retry: 'soon' }],
  [1003, { says: 'The server does not take this kind of message', retry: 'never' }],
  // 1005 and 1006 are never on the wire: the browser reports them (RFC 6455 section 7.1.5).
  [1005, { says: 'The server closed without saying why', retry: 'soon' }],
  [1006, { says: 'The connection broke off', retry: 'soon' }],
  [1007, { says: 'The server could not read a message', retry: 'never' }],
  [1008, { says: 'The server’s policy does not allow this', retry: 'never' }],
  [1009, { says: 'A message was too big for the server', retry: 'soon' }],
  [1010, { says: 'The server lacks an extension that is needed', retry: 'never' }],
  [1011, { says: 'The server met an error of its own', retry: 'soon' }],
  [1012, { says: 'The server is restarting', retry: 'soon' }],
  [1013, { says: 'The server asks to come back later', retry: 'later' }],
  [1014, { says: 'A gateway on the way got a bad answer', retry: 'soon' }],
  [3000, { says: 'The server wants you to sign in', retry: 'never' }],
  [3003, { says: 'You are not allowed in this room', retry: 'never' }],
  [3008, { says: 'The server gave up waiting', retry: 'soon' }],
]);

/** The code for a message that is bigger than the receiver takes (RFC 6455 section 7.4.1). */
export const TOO_BIG = 1009;

/**
 * @param {number} code
 * @returns {Retry}
 */
export function retryAfter(code) {
  return CODES.get(code)?.retry ?? 'soon';
}

/**
 * One sentence without its full stop.
 * @param {number} code
 * @param {string} reason what the server sent with the code; may be empty
 */
export function explainClose(code, reason) {
  const says = CODES.get(code)?.says ?? 'The server closed the connection';
  const detail = reason.trim();
  // 1006 stands for the absence of a close frame: naming it would tell a person nothing.
  const number = code === 1006 || code === 1005 ? '' : ` (${code})`;
  return detail === '' ? `${says}${number}` : `${says}${number}: “${detail}”`;
}
