/**
 * The lines of one room, and where in them the reader is.
 *
 * The log sticks to its end only while the reader is there. Someone who reads further up is left in peace, and
 * told how much is new.
 */

import { emptyRoom } from './empty-view.js';
import { make, setText } from './dom.js';
import { dayInWords, LineView } from './line-view.js';
import { isNotice } from './timeline.js';

/** This close to the end, in pixels, counts as the end. */
const AT_END = 48;

export class LogView {
  /** Lines that came since the reader left the end. */
  newer = 0;
  /** @type {HTMLElement} */ element;

  /** @type {import('./room.js').Room} */ #room;
  /** @type {(log: LogView) => void} */ #onScroll;
  /** @type {HTMLElement} */ #list = make('div', { class: 'lines', role: 'log', 'aria-live': 'polite', 'aria-relevant': 'additions', 'aria-label': 'Messages' });
  /** @type {HTMLElement} */ #trimmed = make('p', { class: 'trimmed', text: 'Older messages are no longer kept in this page.', hidden: '' });
  /** @type {HTMLElement} */ #empty;
  /** @type {Map<string, LineView>} */ #views = new Map();
  /** @type {Map<string, HTMLElement>} */ #days = new Map();
  #atEnd = true;
  /** Where the log was scrolled to last, in pixels. */
  #top = 0;

  /**
   * @param {import('./room.js').Room} room
   * @param {(log: LogView) => void} onScroll
   */
  constructor(room, onScroll) {
    this.#room = room;
    this.#onScroll = onScroll;
    this.#empty = emptyRoom(room);
    this.element = make('div', { class: 'log', tabindex: '0', 'aria-label': `Messages in ${room.name}`, role: 'region' }, this.#trimmed, this.#empty, this.#list);
    this.element.addEventListener('scroll', () => this.#scrolled(), { passive: true });
    // Pictures that load and windows that change their size move the end away from the reader.
    new ResizeObserver(() => this.settle()).observe(this.#list);
    new ResizeObserver(() => this.settle()).observe(this.element);
  }

  get atEnd() {
    return this.#atEnd;
  }

  render() {
    const { timeline } = this.#room;
    const arranged = timeline.arranged();
    this.#trimmed.hidden = !timeline.trimmed;
    this.#empty.hidden = arranged.some(({ line }) => !isNotice(line));
    this.#removeAllBut(new Set(arranged.map(({ line }) => line.key)));
    /** @type {Element | null} */
    let last = null;
    for (const { line, heading, newDay } of arranged) {
      if (newDay) last = this.#place(this.#dayOf(line.key, line.at), last);
      else this.#removeDay(line.key);
      if (!this.#atEnd && !this.#views.has(line.key) && !line.mine && !isNotice(line)) this.newer += 1;
      const view = this.#viewOf(line);
      view.update(line, heading, line.id === null ? null : this.#room.outgoing(line.id));
      last = this.#place(view.element, last);
    }
    this.settle();
  }

  /** Stays at the end if the reader was there. */
  settle() {
    if (this.#atEnd) this.element.scrollTop = this.element.scrollHeight;
  }

  toEnd() {
    this.#atEnd = true;
    this.newer = 0;
    this.settle();
    this.#onScroll(this);
  }

  /** Takes the log off the page, when its room is left. */
  remove() {
    this.#removeAllBut(new Set());
    this.element.remove();
  }

  #scrolled() {
    if (this.element.hidden) return;
    const { scrollTop, scrollHeight, clientHeight } = this.element;
    // Only who moves up leaves the end. The end itself moves down all the time, and the event of our own
    // scrolling to where it was arrives when it has moved on.
    if (scrollHeight - scrollTop - clientHeight < AT_END) this.#atEnd = true;
    else if (scrollTop < this.#top) this.#atEnd = false;
    this.#top = scrollTop;
    if (this.#atEnd) this.newer = 0;
    this.#onScroll(this);
  }

  /** @param {import('./timeline.js').Line} line */
  #viewOf(line) {
    const known = this.#views.get(line.key);
    if (known) return known;
    const view = new LineView(line, {
      onResend: (id) => this.#room.resend(id),
      onDiscard: (id) => this.#room.discard(id),
    });
    this.#views.set(line.key, view);
    return view;
  }

  /** @param {string} key @param {number} at */
  #dayOf(key, at) {
    const element = this.#days.get(key) ?? make('div', { class: 'day' }, make('span'));
    this.#days.set(key, element);
    setText(element.firstElementChild ?? element, dayInWords(at));
    return element;
  }

  /** @param {string} key */
  #removeDay(key) {
    this.#days.get(key)?.remove();
    this.#days.delete(key);
  }

  /** @param {Set<string>} keys */
  #removeAllBut(keys) {
    for (const [key, view] of this.#views) {
      if (keys.has(key)) continue;
      view.release();
      view.element.remove();
      this.#views.delete(key);
      this.#removeDay(key);
    }
  }

  /**
   * Puts an element behind another, touching the page only if it is not there already.
   * @param {Element} element
   * @param {Element | null} after null for the front
   */
  #place(element, after) {
    const next = after === null ? this.#list.firstElementChild : after.nextElementSibling;
    if (next !== element) this.#list.insertBefore(element, next);
    return element;
  }
}
