/**
 * One room as this page knows it: its connection, what was said, and who seems to be there.
 *
 * It knows no DOM. Whoever shows it is told by `onChange` that something is different, and reads it anew.
 */

import { explainLoss } from './explain.js';
import { decode, encodeChat, encodePicture, encodePresence, freshId, isPresence } from './messages.js';
import { ANSWER_TIME, NOBODY, answered, gone, heard, isCrowd, listed } from './people.js';
import { Timeline } from './timeline.js';
import { browserWorld, Wire } from './wire.js';

/** How long a goodbye is kept back, in milliseconds: a page that is loaded anew says bye and hello again. */
const LEAVE_GRACE = 4_000;

/** After a silence of this length it is worth asking whether the connection still lives, in milliseconds. */
const LONG_SILENCE = 60_000;

/**
 * @typedef {import('./messages.js').Person} Person
 * @typedef {import('./connection.js').State} State
 * @typedef {import('./wire.js').World} World
 */

export class Room {
  timeline = new Timeline();
  /** Lines of others that came while nobody was looking. */
  unread = 0;

  /** @type {string} */ #name;
  /** @type {string} */ #address;
  /** @type {() => Person} */ #me;
  /** @type {(room: Room) => void} */ #onChange;
  /** @type {() => number} */ #wallClock;
  /** @type {World} */ #world;
  /** @type {Wire} */ #wire;
  /** @type {import('./people.js').People} */ #people = NOBODY;
  /** Notices of leaving that are kept back, by name. @type {Map<string, unknown>} */ #leaving = new Map();
  /** When the last connection was lost, on the wall clock. @type {number | null} */ #lostAt = null;
  #wasOpen = false;
  /** @type {unknown} */ #rollCall = null;

  /**
   * @param {object} options
   * @param {string} options.name
   * @param {string} options.address of the room's channel, `ws:` or `wss:`
   * @param {() => Person} options.me who writes here; may change
   * @param {(room: Room) => void} options.onChange
   * @param {World} [options.world]
   * @param {() => number} [options.wallClock] the time of day, for showing
   */
  constructor({ name, address, me, onChange, world = browserWorld, wallClock = Date.now }) {
    this.#name = name;
    this.#address = address;
    this.#me = me;
    this.#onChange = onChange;
    this.#world = world;
    this.#wallClock = wallClock;
    this.#wire = new Wire({
      url: address,
      world,
      onState: (state, before) => this.#onState(state, before),
      onMessage: (data) => this.#onMessage(data),
    });
  }

  get name() {
    return this.#name;
  }

  get address() {
    return this.#address;
  }

  get connection() {
    return this.#wire.state;
  }

  /** Those who made themselves heard here, ourselves left out. */
  get people() {
    return listed(this.#people).filter(({ id }) => id !== this.#me().id);
  }

  /** The connection's clock, on which its next try is set. */
  now() {
    return this.#world.now();
  }

  join() {
    this.#wire.dispatch({ type: 'start' });
  }

  leave() {
    this.sayBye();
    for (const timer of this.#leaving.values()) this.#world.clearTimer(timer);
    this.#world.clearTimer(this.#rollCall);
    this.#wire.dispatch({ type: 'leave' });
  }

  tryNow() {
    this.#wire.dispatch({ type: 'retry' });
  }

  /** @param {boolean} online */
  networkChanged(online) {
    this.#wire.dispatch({ type: online ? 'online' : 'offline' });
    if (online) this.checkAlive();
  }

  /**
   * To be called when there is reason to doubt the connection: the network changed, or a person comes back
   * after a while. Our own answer to a roll call that nobody made comes back from a server that is there.
   */
  checkAlive() {
    this.#wire.dispatch({ type: 'tick' });
    const { link } = this.#wire.state;
    if (link.phase === 'open' && this.#world.now() - link.heardAt > LONG_SILENCE) this.#announce('here');
  }

  /** Says hello, which makes the others answer, and tells them our name if it is new. */
  sayHello() {
    this.#announce('hello');
  }

  /** Says goodbye, when the page is about to go. */
  sayBye() {
    this.#announce('bye');
  }

  /**
   * @param {string} text
   * @returns {boolean} false if too much is waiting already
   */
  say(text) {
    const id = freshId();
    const from = this.#me();
    const at = this.#wallClock();
    this.timeline.addPending(id, from, { type: 'text', text }, at);
    return this.#post(id, encodeChat({ id, from, text, at }));
  }

  /**
   * @param {{ bytes: Uint8Array, info: import('./messages.js').PictureInfo }} picture
   * @returns {boolean} false if too much is waiting already
   */
  show({ bytes, info }) {
    const id = freshId();
    const from = this.#me();
    const at = this.#wallClock();
    this.timeline.addPending(id, from, { type: 'picture', bytes, info }, at);
    return this.#post(id, encodePicture({ id, from, at, bytes, ...info }));
  }

  /** @param {string} id */
  resend(id) {
    this.#wire.dispatch({ type: 'resend', id });
  }

  /** @param {string} id */
  discard(id) {
    this.timeline.dropPending(id);
    this.#wire.dispatch({ type: 'discard', id });
  }

  /** @param {string} id */
  outgoing(id) {
    return this.#wire.outgoing(id);
  }

  /** How many messages wait for a connection. */
  get waiting() {
    return this.connection.outbox.filter(({ stage, ephemeral }) => stage === 'waiting' && !ephemeral).length;
  }

  /**
   * @param {string} id
   * @param {import('./connection.js').Payload} payload
   */
  #post(id, payload) {
    const taken = this.#wire.send(id, payload);
    if (!taken) this.timeline.dropPending(id);
    return taken;
  }

  /** @param {'hello' | 'here' | 'bye'} kind */
  #announce(kind) {
    const id = freshId();
    this.#wire.sendEphemeral(id, encodePresence(kind, { id, from: this.#me() }));
  }

  /** @param {State} state @param {State} before */
  #onState(state, before) {
    const isOpen = state.link.phase === 'open';
    if (isOpen && before.link.phase !== 'open') this.#opened();
    if (!isOpen && before.link.phase === 'open') this.#lost(state);
    this.#onChange(this);
  }

  #opened() {
    const now = this.#wallClock();
    if (this.#lostAt !== null) {
      this.timeline.addGap(`Connected again after ${span(now - this.#lostAt)}. What was said meanwhile did not reach you.`, now);
    } else if (!this.#wasOpen) {
      this.timeline.addNotice(`You joined ${this.#name}. What was said before is not shown.`, now);
    }
    this.#wasOpen = true;
    this.#lostAt = null;
    this.sayHello();
  }

  /** @param {State} state */
  #lost({ link }) {
    this.#lostAt = this.#wallClock();
    this.#people = NOBODY;
    for (const timer of this.#leaving.values()) this.#world.clearTimer(timer);
    this.#leaving.clear();
    if (link.phase === 'left') return;
    const why = link.phase === 'waiting' || link.phase === 'stopped' ? link.why : null;
    if (why) this.timeline.addGap(`Connection lost. ${explainLoss(why)}.`, this.#lostAt);
  }

  /** @param {string | ArrayBuffer} data */
  #onMessage(data) {
    const message = decode(data);
    const outgoing = message.id === null ? null : this.#wire.outgoing(message.id);
    if (isPresence(message)) {
      if (outgoing === null) this.#onPresence(message);
      else if (message.kind === 'hello') this.#startRollCall();
    } else if (this.timeline.receive(message, this.#wallClock()) === 'added') {
      this.unread += 1;
      if ('from' in message && message.from) this.#people = heard(this.#people, message.from, this.#world.now());
    }
    if (outgoing !== null) this.#wire.dispatch({ type: 'confirmed', id: outgoing.id });
    this.#onChange(this);
  }

  /** @param {import('./messages.js').Presence} presence */
  #onPresence({ kind, from }) {
    // One's own name in another page's mouth; without this check it would be us who joined and left.
    if (from.id === this.#me().id) return;
    if (kind === 'bye') return this.#someoneLeft(from);
    const known = this.#people.get(from.id)?.person;
    this.#people = heard(this.#people, from, this.#world.now());
    if (known !== undefined && known.name !== from.name) {
      this.timeline.addNotice(`${known.name} is now ${from.name}`, this.#wallClock());
    }
    if (kind !== 'hello') return;
    if (known === undefined) this.#someoneJoined(from);
    if (!isCrowd(this.#people)) this.#announce('here');
    this.#startRollCall();
  }

  /** @param {Person} person */
  #someoneJoined({ name }) {
    const leaving = this.#leaving.get(name);
    if (leaving === undefined) return this.timeline.addNotice(`${name} joined`, this.#wallClock());
    this.#world.clearTimer(leaving);
    this.#leaving.delete(name);
  }

  /** @param {Person} person */
  #someoneLeft({ id, name }) {
    if (!this.#people.has(id) || this.#leaving.has(name)) return;
    this.#people = gone(this.#people, id);
    const notice = () => {
      this.#leaving.delete(name);
      this.timeline.addNotice(`${name} left`, this.#wallClock());
      this.#onChange(this);
    };
    this.#leaving.set(name, this.#world.setTimer(notice, LEAVE_GRACE));
  }

  /** Everyone who is here answers a hello, whoever said it; those who do not are taken off the list. */
  #startRollCall() {
    const calledAt = this.#world.now();
    this.#world.clearTimer(this.#rollCall);
    this.#rollCall = this.#world.setTimer(() => {
      this.#people = answered(this.#people, calledAt);
      this.#onChange(this);
    }, ANSWER_TIME);
  }
}

/** @param {number} milliseconds */
function span(milliseconds) {
  const seconds = Math.max(1, Math.round(milliseconds / 1000));
  if (seconds < 90) return seconds === 1 ? '1 second' : `${seconds} seconds`;
  const minutes = Math.round(seconds / 60);
  return minutes < 90 ? `${minutes} minutes` : `${Math.round(minutes / 60)} hours`;
}
