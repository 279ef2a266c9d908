/**
 * Drives the state machine of `connection.js` over a real WebSocket: carries out its effects, feeds it what
 * happens, and keeps its one timer. Everything that decides anything is over there.
 */

import { findOutgoing, hasRoom, initialState, nextTimeout, reduce, sizeOf } from './connection.js';

/**
 * What the outside world gives; tests give another world.
 * @typedef {object} World
 * @property {(url: string) => WebSocket} open
 * @property {() => number} now milliseconds, only ever going forward
 * @property {() => number} random a number in [0, 1)
 * @property {(run: () => void, delay: number) => unknown} setTimer
 * @property {(timer: any) => void} clearTimer
 * @property {() => boolean} isOnline
 */

/** @type {World} */
export const browserWorld = {
  open: (url) => new WebSocket(url),
  // Not Date.now(): a clock that is set back would put the next try hours away.
  now: () => performance.now(),
  random: () => Math.random(),
  setTimer: (run, delay) => setTimeout(run, delay),
  clearTimer: (timer) => clearTimeout(timer),
  isOnline: () => navigator.onLine,
};

/** Timers count in 32 bits; a later deadline is simply reached in two steps. */
const LONGEST_TIMER = 2 ** 31 - 1;

export class Wire {
  /** @type {string} */ #url;
  /** @type {World} */ #world;
  /** @type {import('./connection.js').State} */ #state;
  /** @type {WebSocket | null} */ #socket = null;
  /** @type {unknown} */ #timer = null;
  /** @type {(state: import('./connection.js').State, before: import('./connection.js').State) => void} */ #onState;
  /** @type {(data: string | ArrayBuffer) => void} */ #onMessage;

  /**
   * @param {object} options
   * @param {string} options.url
   * @param {(state: import('./connection.js').State, before: import('./connection.js').State) => void} options.onState
   * @param {(data: string | ArrayBuffer) => void} options.onMessage
   * @param {World} [options.world]
   */
  constructor({ url, onState, onMessage, world = browserWorld }) {
    this.#url = url;
    this.#world = world;
    this.#onState = onState;
    this.#onMessage = onMessage;
    this.#state = initialState(world.isOnline());
  }

  get state() {
    return this.#state;
  }

  /** @param {import('./connection.js').Happening} happening */
  dispatch(happening) {
    const before = this.#state;
    const event = { ...happening, now: this.#world.now(), random: this.#world.random() };
    const { state, effects } = reduce(before, event);
    this.#state = state;
    for (const effect of effects) this.#carryOut(effect);
    this.#setTimer();
    if (state !== before) this.#onState(state, before);
  }

  /**
   * Sends now, or keeps for later.
   * @param {string} id
   * @param {import('./connection.js').Payload} payload
   * @returns {boolean} false if the outbox is full, and nothing was done
   */
  send(id, payload) {
    if (!hasRoom(this.#state, sizeOf(payload))) return false;
    this.dispatch({ type: 'send', id, payload, ephemeral: false });
    return true;
  }

  /**
   * Sends what is true only now; does nothing while there is no connection.
   * @param {string} id
   * @param {import('./connection.js').Payload} payload
   */
  sendEphemeral(id, payload) {
    this.dispatch({ type: 'send', id, payload, ephemeral: true });
  }

  /** @param {string} id */
  outgoing(id) {
    return findOutgoing(this.#state, id);
  }

  /** @param {import('./connection.js').Effect} effect */
  #carryOut(effect) {
    switch (effect.type) {
      case 'connect':
        return this.#connect(effect.generation);
      case 'send':
        // An open state and a socket that is already closing can meet for a moment; the browser then drops
        // the data silently, the close event follows, and the message goes again on the next connection.
        return this.#socket?.send(/** @type {string | Uint8Array<ArrayBuffer>} */ (effect.payload));
      case 'drop':
        this.#socket?.close(1000);
        this.#socket = null;
    }
  }

  /** @param {number} generation */
  #connect(generation) {
    const socket = this.#world.open(this.#url);
    socket.binaryType = 'arraybuffer';
    socket.onopen = () => this.dispatch({ type: 'opened', generation });
    // The error event says nothing that the close event, which always follows, does not say too.
    socket.onclose = ({ code, reason }) => this.dispatch({ type: 'closed', generation, code, reason });
    socket.onmessage = ({ data }) => {
      // A dropped socket may deliver on while it closes: its messages would come out of order.
      if (socket !== this.#socket) return;
      this.dispatch({ type: 'received', generation });
      this.#onMessage(data);
    };
    this.#socket = socket;
  }

  #setTimer() {
    if (this.#timer !== null) this.#world.clearTimer(this.#timer);
    const at = nextTimeout(this.#state);
    const delay = at === null ? null : Math.min(Math.max(at - this.#world.now(), 0), LONGEST_TIMER);
    this.#timer = delay === null ? null : this.#world.setTimer(() => this.dispatch({ type: 'tick' }), delay);
  }
}
