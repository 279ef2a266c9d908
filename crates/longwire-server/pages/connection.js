/**
 * The life of one room's connection, as a pure state machine.
 *
 * Like the protocol core beneath the server, this has no socket, no clock and no randomness of its own:
 * events go in, each carrying the time and a random number, and out come the next state and the effects that
 * a driver is to carry out (see `wire.js`). The driver also keeps one timer, set to `nextTimeout(state)`, and
 * sends a `tick` when it fires.
 *
 *              start                    opened
 *      idle ──────────▶ connecting ──────────────▶ open
 *                        ▲      │                   │
 *     its time has come, │      │ refused, or no    │ closed, or what was sent
 *     retry, online      │      │ answer in time    │ is not confirmed in time
 *                        │      ▼                   │
 *                       waiting ◀───────────────────┤
 *                                                   │ closed with a code that
 *      stopped ◀────────────────────────────────────┘ makes retrying pointless
 *         └── retry ──▶ connecting              any ── leave ──▶ left
 *
 * A page can neither send a protocol ping nor see one, so it cannot probe an idle connection: there the
 * server's pings find a dead peer, and the browser's close event tells us. But the server sends every message
 * back to its sender, so a message of ours that does not return is proof that the link is dead, whatever the
 * browser believes. That is the one dead-link check made here, and it costs no traffic.
 */

import { fullJitter, WIDEST_WINDOW } from './backoff.js';
import { retryAfter, TOO_BIG } from './close-codes.js';

/** How long the opening handshake may take, in milliseconds. Browsers would wait for minutes. */
export const OPENING_TIMEOUT = 10_000;

/** After this long a connection has proved itself, and the next failure starts from the shortest backoff. */
export const PROVEN_UPTIME = 10_000;

/** How long a small message may take to come back, counted from the last sign of life. */
export const CONFIRM_TIMEOUT = 15_000;

/** The slowest uplink we allow for, in bytes per millisecond: a large picture gets this much more time. */
export const SLOWEST_UPLINK = 16;

/** A deadline noticed this much too late means that we slept, not that the peer was silent. */
export const OVERSLEPT = 3_000;

/** What an overslept deadline is put off by, so that bytes already waiting in the socket are read first. */
export const REPRIEVE = 5_000;

/** A message that was sent on this many connections without being confirmed is given up. */
export const MAX_TRIES = 4;

/** The wait before coming back to a server that asks to come later is at least this, in milliseconds. */
export const BUSY_PAUSE = 5_000;

/** Bounds on what is kept for sending later: number of messages and bytes. */
export const OUTBOX_COUNT = 100;
export const OUTBOX_BYTES = 8 * 1024 * 1024;

/**
 * @typedef {string | Uint8Array} Payload
 *
 * Why a connection was lost.
 * @typedef {{ kind: 'closed', code: number, reason: string, opened: boolean }
 *   | { kind: 'no-answer' }
 *   | { kind: 'unconfirmed' }} Why
 *
 * Why a message was given up.
 * @typedef {'too-big' | 'tries'} Failure
 *
 * A message on its way. `waiting`: not sent on the present connection. `sent`: sent, and not yet seen in the
 * room's order. An `ephemeral` one speaks only of the present connection, and is dropped with it.
 * @typedef {{ id: string, payload: Payload, size: number, ephemeral: boolean, tries: number,
 *   stage: 'waiting' | 'sent' | 'failed', failure: Failure | null }} Outgoing
 *
 * @typedef {{ by: number, reprieved: boolean }} Deadline
 *
 * @typedef {{ phase: 'idle' }
 *   | { phase: 'connecting', generation: number, giveUpAt: number }
 *   | { phase: 'open', generation: number, openedAt: number, heardAt: number, deadline: Deadline | null }
 *   | { phase: 'waiting', retryAt: number, why: Why }
 *   | { phase: 'stopped', why: Why }
 *   | { phase: 'left' }} Link
 *
 * `failures` counts tries in a row that came to nothing; `generation` numbers the sockets, so that a late
 * event of an abandoned one is recognised; `online` is what the device says about its network.
 * @typedef {{ link: Link, outbox: readonly Outgoing[], failures: number, generation: number,
 *   online: boolean }} State
 *
 * @typedef {{ type: 'start' } | { type: 'opened', generation: number }
 *   | { type: 'closed', generation: number, code: number, reason: string }
 *   | { type: 'received', generation: number } | { type: 'confirmed', id: string }
 *   | { type: 'send', id: string, payload: Payload, ephemeral: boolean }
 *   | { type: 'resend', id: string } | { type: 'discard', id: string }
 *   | { type: 'retry' } | { type: 'online' } | { type: 'offline' } | { type: 'tick' }
 *   | { type: 'leave' }} Happening
 *
 * `now` in milliseconds on any clock that only goes forward, `random` in [0, 1).
 * @typedef {Happening & { now: number, random: number }} Event
 *
 * @typedef {{ type: 'connect', generation: number }
 *   | { type: 'send', payload: Payload }
 *   | { type: 'drop' }} Effect
 *
 * @typedef {{ state: State, effects: Effect[] }} Step
 */

/**
 * @param {boolean} online what the device says about its network
 * @returns {State}
 */
export function initialState(online) {
  return { link: { phase: 'idle' }, outbox: [], failures: 0, generation: 0, online };
}

/**
 * @param {State} state
 * @param {Event} event
 * @returns {Step}
 */
export function reduce(state, event) {
  if (state.link.phase === 'left') return still(state);
  switch (event.type) {
    case 'start':
      return state.link.phase === 'idle' ? connect(state, event) : still(state);
    case 'retry':
      return isAway(state.link) ? connect(state, event) : still(state);
    case 'online':
      return networkUp({ ...state, online: true }, event);
    case 'offline':
      return networkDown({ ...state, online: false }, event);
    case 'opened':
      return opened(state, event);
    case 'closed':
      return closed(state, event);
    case 'received':
      return received(state, event);
    case 'confirmed':
      return confirmed(state, event.id);
    case 'send':
      return send(state, event);
    case 'resend':
      return resend(state, event);
    case 'discard':
      return still({ ...state, outbox: state.outbox.filter((item) => item.id !== event.id) });
    case 'tick':
      return tick(state, event);
    case 'leave':
      return { state: { ...state, link: { phase: 'left' }, outbox: [] }, effects: [{ type: 'drop' }] };
  }
}

/**
 * When the next `tick` is due, or null if nothing waits for time to pass.
 * @param {State} state
 * @returns {number | null}
 */
export function nextTimeout({ link }) {
  switch (link.phase) {
    case 'connecting':
      return link.giveUpAt;
    case 'open':
      return link.deadline?.by ?? null;
    case 'waiting':
      return link.retryAt;
    default:
      return null;
  }
}

/**
 * Whether the bounded outbox has room for one more message.
 * @param {State} state
 * @param {number} size in bytes
 */
export function hasRoom({ outbox }, size) {
  const bytes = outbox.reduce((sum, item) => sum + item.size, size);
  return outbox.length < OUTBOX_COUNT && bytes <= OUTBOX_BYTES;
}

/**
 * Where a message of ours is, or null once it is confirmed (or was never ours).
 * @param {State} state
 * @param {string} id
 * @returns {Outgoing | null}
 */
export function findOutgoing({ outbox }, id) {
  return outbox.find((item) => item.id === id) ?? null;
}

/** @param {Payload} payload bytes it takes in a frame */
export function sizeOf(payload) {
  return typeof payload === 'string' ? new TextEncoder().encode(payload).byteLength : payload.byteLength;
}

/** @param {State} state @returns {Step} */
function still(state) {
  return { state, effects: [] };
}

/** @param {Link} link */
function isAway(link) {
  return link.phase === 'waiting' || link.phase === 'stopped';
}

/** @param {State} state @param {Event} event @returns {Step} */
function connect(state, { now }) {
  const generation = state.generation + 1;
  return {
    state: { ...state, generation, link: { phase: 'connecting', generation, giveUpAt: now + OPENING_TIMEOUT } },
    effects: [{ type: 'connect', generation }],
  };
}

/** @param {State} state @param {Event} event @returns {Step} */
function networkUp(state, event) {
  return state.link.phase === 'waiting' ? connect(state, event) : still(state);
}

/**
 * A device that says it has no network may be wrong (a server on this very machine needs none), so an open
 * connection is left alone, and a lost one is still tried, only rarely.
 * @param {State} state @param {Event} event @returns {Step}
 */
function networkDown(state, { now }) {
  if (state.link.phase !== 'waiting') return still(state);
  const retryAt = Math.max(state.link.retryAt, now + WIDEST_WINDOW);
  return still({ ...state, link: { ...state.link, retryAt } });
}

/** @param {State} state @param {Event & { type: 'opened' }} event @returns {Step} */
function opened(state, { generation, now }) {
  if (state.link.phase !== 'connecting' || state.link.generation !== generation) return still(state);
  const link = /** @type {const} */ ({ phase: 'open', generation, openedAt: now, heardAt: now, deadline: null });
  return flush({ ...state, link }, now);
}

/** @param {State} state @param {Event & { type: 'closed' }} event @returns {Step} */
function closed(state, event) {
  const { link } = state;
  if (link.phase !== 'connecting' && link.phase !== 'open') return still(state);
  if (link.generation !== event.generation) return still(state);
  const { code, reason } = event;
  return lose(state, event, { kind: 'closed', code, reason, opened: link.phase === 'open' });
}

/** @param {State} state @param {Event & { type: 'received' }} event @returns {Step} */
function received(state, { generation, now }) {
  const { link } = state;
  if (link.phase !== 'open' || link.generation !== generation) return still(state);
  return still({ ...state, link: { ...link, heardAt: now, deadline: deadlineFrom(now, state.outbox) } });
}

/** @param {State} state @param {string} id @returns {Step} */
function confirmed(state, id) {
  const outbox = state.outbox.filter((item) => item.id !== id);
  const idle = !outbox.some((item) => item.stage === 'sent');
  const link = state.link.phase === 'open' && idle ? { ...state.link, deadline: null } : state.link;
  return still({ ...state, outbox, link });
}

/** @param {State} state @param {Event & { type: 'send' }} event @returns {Step} */
function send(state, { id, payload, ephemeral, now }) {
  const size = sizeOf(payload);
  if (!hasRoom(state, size) || (ephemeral && state.link.phase !== 'open')) return still(state);
  /** @type {Outgoing} */
  const item = { id, payload, size, ephemeral, tries: 0, stage: 'waiting', failure: null };
  return flush({ ...state, outbox: [...state.outbox, item] }, now);
}

/** @param {State} state @param {Event & { type: 'resend' }} event @returns {Step} */
function resend(state, { id, now }) {
  const outbox = state.outbox.map((item) =>
    item.id === id && item.stage === 'failed'
      ? { ...item, tries: 0, stage: /** @type {const} */ ('waiting'), failure: null }
      : item,
  );
  return flush({ ...state, outbox }, now);
}

/**
 * Sends what waits, in order, if the connection is open.
 * @param {State} state @param {number} now @returns {Step}
 */
function flush(state, now) {
  const { link } = state;
  if (link.phase !== 'open') return still(state);
  const due = state.outbox.filter((item) => item.stage === 'waiting');
  if (due.length === 0) return still(state);
  const outbox = state.outbox.map((item) =>
    item.stage === 'waiting' ? { ...item, stage: /** @type {const} */ ('sent'), tries: item.tries + 1 } : item,
  );
  return {
    state: { ...state, outbox, link: { ...link, deadline: extend(link.deadline, due, now) } },
    effects: due.map((item) => ({ type: 'send', payload: item.payload })),
  };
}

/**
 * A running deadline gets only the time that the new bytes take: someone who keeps typing into a dead link
 * must not keep it looking alive.
 * @param {Deadline | null} deadline @param {readonly Outgoing[]} added @param {number} now
 * @returns {Deadline}
 */
function extend(deadline, added, now) {
  const { by, reprieved } = deadline ?? { by: now + CONFIRM_TIMEOUT, reprieved: false };
  return { by: by + uplinkTime(added), reprieved };
}

/** @param {number} now @param {readonly Outgoing[]} outbox @returns {Deadline | null} */
function deadlineFrom(now, outbox) {
  const unconfirmed = outbox.filter((item) => item.stage === 'sent');
  return unconfirmed.length === 0 ? null : extend(null, unconfirmed, now);
}

/** @param {readonly Outgoing[]} items */
function uplinkTime(items) {
  return items.reduce((sum, item) => sum + item.size, 0) / SLOWEST_UPLINK;
}

/** @param {State} state @param {Event} event @returns {Step} */
function tick(state, event) {
  const { link } = state;
  const due = nextTimeout(state);
  if (due === null || event.now < due) return still(state);
  switch (link.phase) {
    case 'waiting':
      return connect(state, event);
    case 'connecting':
      return abandon(state, event, { kind: 'no-answer' });
    case 'open':
      return event.now - due > OVERSLEPT && link.deadline?.reprieved === false
        ? still({ ...state, link: { ...link, deadline: { by: event.now + REPRIEVE, reprieved: true } } })
        : abandon(state, event, { kind: 'unconfirmed' });
    default:
      return still(state);
  }
}

/** @param {State} state @param {Event} event @param {Why} why @returns {Step} */
function abandon(state, event, why) {
  const { state: next, effects } = lose(state, event, why);
  return { state: next, effects: [{ type: 'drop' }, ...effects] };
}

/** @param {State} state @param {Event} event @param {Why} why @returns {Step} */
function lose(state, { now, random }, why) {
  const { link } = state;
  const proven = link.phase === 'open' && now - link.openedAt >= PROVEN_UPTIME;
  const failures = proven ? 0 : state.failures;
  const retry = why.kind === 'closed' ? retryAfter(why.code) : 'soon';
  const next = { ...state, failures: failures + 1, outbox: returned(state.outbox, why) };
  if (retry === 'never') return still({ ...next, link: { phase: 'stopped', why } });
  const pause = state.online ? (retry === 'later' ? BUSY_PAUSE : 0) : WIDEST_WINDOW;
  const retryAt = now + pause + fullJitter(failures, random);
  return still({ ...next, link: { phase: 'waiting', retryAt, why } });
}

/**
 * What is left to send after a loss. Sent messages may or may not have been published: they go again under
 * the same id, by which every page knows a message that it has already shown. Without a bound one message
 * that the server always closes on would keep us from ever staying connected.
 * @param {readonly Outgoing[]} outbox @param {Why} why
 * @returns {readonly Outgoing[]}
 */
function returned(outbox, why) {
  const kept = outbox.filter((item) => !item.ephemeral);
  const tooBig = why.kind === 'closed' && why.code === TOO_BIG ? largestSent(kept) : null;
  return kept.map((item) => {
    if (item.stage !== 'sent') return item;
    if (item === tooBig) return { ...item, stage: 'failed', failure: 'too-big' };
    if (item.tries >= MAX_TRIES) return { ...item, stage: 'failed', failure: 'tries' };
    return { ...item, stage: 'waiting' };
  });
}

/** @param {readonly Outgoing[]} outbox @returns {Outgoing | null} */
function largestSent(outbox) {
  const sent = outbox.filter((item) => item.stage === 'sent');
  return sent.reduce((/** @type {Outgoing | null} */ top, item) => (top && top.size >= item.size ? top : item), null);
}
