/**
 * Shows the state of the connection: in a word at the top, as the wire beneath it, and, when something is
 * wrong, in a sentence above the message box.
 */

import { find, setText } from './dom.js';
import { explain } from './explain.js';

/** How often a countdown is brought up to date, in milliseconds. */
const COUNTDOWN_STEP = 500;

export class StatusView {
  #status = find('status', HTMLElement);
  #label = find('status-label', HTMLElement);
  #wire = find('wire', HTMLElement);
  #banner = find('banner', HTMLElement);
  #words = find('banner-words', HTMLElement);
  #action = find('banner-action', HTMLButtonElement);
  /** @type {ReturnType<typeof setInterval> | undefined} */ #ticking;
  /** @type {import('./room.js').Room | null} */ #room = null;

  constructor() {
    this.#action.addEventListener('click', () => this.#room?.tryNow());
  }

  /** @param {import('./room.js').Room} room */
  render(room) {
    this.#room = room;
    clearInterval(this.#ticking);
    if (room.connection.link.phase === 'waiting') {
      this.#ticking = setInterval(() => this.#show(room), COUNTDOWN_STEP);
    }
    this.#show(room);
  }

  /** @param {import('./room.js').Room} room */
  #show(room) {
    const { look, label, detail, action } = explain(room.connection, room.now());
    this.#status.dataset.look = look;
    this.#wire.dataset.look = look;
    setText(this.#label, label);
    this.#banner.hidden = detail === '';
    this.#banner.dataset.look = look;
    setText(this.#words, `${detail}${waitingInWords(room)}`);
    this.#action.hidden = action === '';
    setText(this.#action, action);
  }
}

/** @param {import('./room.js').Room} room */
function waitingInWords({ connection, waiting }) {
  if (connection.link.phase === 'open' || waiting === 0) return '';
  return waiting === 1 ? ' One message waits to be sent.' : ` ${waiting} messages wait to be sent.`;
}
