/**
 * One line of a room as an element. What was said is built once; only what changes with time (its heading,
 * and how far it is on its way) is brought up to date.
 */

import { avatar } from './avatar.js';
import { icon, make } from './dom.js';
import { enlarge } from './lightbox.js';
import { sizeInWords } from './pictures.js';
import { hueOf, SOMEONE } from './names.js';
import { isFewEmoji, pieces } from './text.js';
import { isNotice } from './timeline.js';

/** Longer texts are folded. */
const FOLD_LENGTH = 3_000;
const FOLD_LINES = 40;

/** A message that waited longer than this, in milliseconds, says when it was written. */
const LATE = 60_000;

/**
 * @typedef {import('./timeline.js').Line} Line
 * @typedef {import('./connection.js').Outgoing} Outgoing
 * @typedef {{ onResend: (id: string) => void, onDiscard: (id: string) => void }} Actions
 */

const clock = new Intl.DateTimeFormat(undefined, { hour: 'numeric', minute: '2-digit' });
const moment = new Intl.DateTimeFormat(undefined, { dateStyle: 'full', timeStyle: 'medium' });
const day = new Intl.DateTimeFormat(undefined, { weekday: 'long', day: 'numeric', month: 'long' });

/** @param {number} at */
export function dayInWords(at) {
  return day.format(at);
}

export class LineView {
  /** @type {HTMLElement} */ element;
  /** @type {Actions} */ #actions;
  /** @type {HTMLElement} */ #heading = make('p', { class: 'line-heading' });
  /** @type {HTMLElement} */ #delivery = make('p', { class: 'delivery' });
  /** @type {string[]} */ #urls = [];
  #shown = '';

  /**
   * @param {Line} line
   * @param {Actions} actions
   */
  constructor(line, actions) {
    this.#actions = actions;
    const kind = line.content.type;
    const notice = isNotice(line);
    this.element = make('div', { class: `line ${kind}${line.mine ? ' mine' : ''}${line.foreign ? ' foreign' : ''}` });
    if (notice) {
      this.element.append(make('p', { class: 'notice-words' }, this.#notice(line)));
      return;
    }
    const name = line.from?.name ?? SOMEONE;
    this.element.style.setProperty('--hue', String(hueOf(name)));
    const bubble = make('div', { class: 'bubble' }, ...this.#content(line));
    if (line.content.type === 'text' && isFewEmoji(line.content.text)) bubble.classList.add('emoji');
    this.element.append(avatar(line.foreign ? '' : name), make('div', { class: 'line-body' }, this.#heading, bubble, this.#delivery));
  }

  /**
   * @param {Line} line
   * @param {boolean} heading whether the sender's name stands above it
   * @param {Outgoing | null} outgoing how far it is, if it is ours and on its way
   */
  update(line, heading, outgoing) {
    const stage = outgoing?.stage ?? '';
    const key = `${heading} ${line.at} ${line.pending} ${stage} ${outgoing?.failure ?? ''}`;
    if (isNotice(line) || key === this.#shown) return;
    this.#shown = key;
    this.element.classList.toggle('headed', heading);
    this.element.classList.toggle('pending', line.pending);
    this.element.classList.toggle('failed', stage === 'failed');
    this.element.title = moment.format(line.at);
    this.#updateHeading(line, heading);
    this.#delivery.replaceChildren(...this.#deliveryOf(line, outgoing));
  }

  /** Gives back what the browser holds for it. */
  release() {
    for (const url of this.#urls) URL.revokeObjectURL(url);
  }

  /** @param {Line} line */
  #notice({ content, at }) {
    const words = 'text' in content ? content.text : '';
    return make('span', { title: moment.format(at) }, `${words} `, make('time', { text: clock.format(at) }));
  }

  /** @param {Line} line @param {boolean} heading */
  #updateHeading(line, heading) {
    const late = line.writtenAt !== null && line.at - line.writtenAt > LATE;
    const written = late && line.writtenAt !== null ? ` · written ${clock.format(line.writtenAt)}` : '';
    const time = make('time', { text: clock.format(line.at) + written, datetime: new Date(line.at).toISOString() });
    const name = make('bdi', { class: 'name', text: line.from?.name ?? SOMEONE });
    const foreign = line.foreign ? make('span', { class: 'tag', text: 'not from this page' }) : null;
    // Below the first line of a group the name is still there for those who do not see the group.
    this.#heading.className = heading ? 'line-heading' : 'line-heading hidden';
    this.#heading.replaceChildren(line.mine ? make('span', { class: 'hidden', text: 'You' }) : name, ' ', time);
    if (foreign) this.#heading.append(' ', foreign);
  }

  /** @param {Line} line @returns {(Node | string)[]} */
  #content({ content }) {
    switch (content.type) {
      case 'text':
        return this.#text(content.text);
      case 'picture':
        return [this.#picture(content)];
      case 'binary':
        return [this.#binary(content.bytes)];
      default:
        return [];
    }
  }

  /** @param {string} text @returns {Node[]} */
  #text(text) {
    const folded = fold(text);
    const words = make('p', { class: 'words', dir: 'auto' }, ...runs(folded));
    if (folded === text) return [words];
    const more = make('button', { class: 'more', type: 'button', text: `Show all ${text.length.toLocaleString()} characters` });
    more.addEventListener('click', () => {
      words.replaceChildren(...runs(text));
      more.remove();
    });
    return [words, more];
  }

  /** @param {Extract<Line['content'], { type: 'picture' }>} content */
  #picture({ bytes, info }) {
    const url = this.#url(bytes, info.mime);
    const name = info.name || 'picture';
    const size = sizeInWords(bytes.length);
    const image = make('img', { class: 'picture', src: url, alt: `Picture: ${name}`, width: info.width || null, height: info.height || null });
    // The room a picture will take is kept free before it is there, or the log would jump.
    if (info.width && info.height) image.style.aspectRatio = `${info.width} / ${info.height}`;
    const button = make('button', { class: 'picture-button', type: 'button', 'aria-label': `Enlarge the picture ${name}` }, image);
    button.addEventListener('click', () => enlarge(url, name, `${name} · ${size}`));
    image.addEventListener('error', () => button.replaceWith(this.#binary(bytes, 'A picture that this browser cannot show')));
    return button;
  }

  /** @param {Uint8Array} bytes @param {string} [label] */
  #binary(bytes, label = 'Binary message') {
    // Without a type of its own, so that nothing opens it as a page.
    const url = this.#url(bytes, 'application/octet-stream');
    const size = bytes.length === 1 ? '1 byte' : `${bytes.length.toLocaleString()} bytes`;
    const link = make('a', { class: 'chip-button', href: url, download: 'message.bin' }, icon('save'), 'Save');
    return make('p', { class: 'binary-words' }, `${label}, ${size} `, link);
  }

  /** @param {Uint8Array} bytes @param {string} type */
  #url(bytes, type) {
    const url = URL.createObjectURL(new Blob([/** @type {Uint8Array<ArrayBuffer>} */ (bytes)], { type }));
    this.#urls.push(url);
    return url;
  }

  /** @param {Line} line @param {Outgoing | null} outgoing @returns {(Node | string)[]} */
  #deliveryOf(line, outgoing) {
    if (!line.mine) return [];
    if (outgoing === null) return [icon('check'), make('span', { class: 'hidden', text: 'Delivered' })];
    const { id, stage, failure } = outgoing;
    if (stage === 'sent') return [icon('clock'), 'Sending…'];
    if (stage === 'waiting') return [icon('clock'), 'Waiting for the connection'];
    const words = failure === 'too-big' ? 'Too big for the server' : 'Not confirmed after several tries';
    const again = make('button', { class: 'text-button', type: 'button', text: 'Try again', on: { click: () => this.#actions.onResend(id) } });
    const discard = make('button', { class: 'text-button', type: 'button', text: 'Discard', on: { click: () => this.#actions.onDiscard(id) } });
    return [icon('warning'), words, again, discard];
  }
}

/** @param {string} text @returns {(Node | string)[]} */
function runs(text) {
  return pieces(text).map((piece) =>
    piece.kind === 'plain'
      ? piece.text
      : make('a', { href: piece.href, target: '_blank', rel: 'noopener noreferrer nofollow', text: piece.text }),
  );
}

/** @param {string} text @returns {string} */
function fold(text) {
  const lines = text.split('\n', FOLD_LINES + 1);
  const few = lines.length > FOLD_LINES ? lines.slice(0, FOLD_LINES).join('\n') : text;
  const short = few.length > FOLD_LENGTH ? few.slice(0, FOLD_LENGTH) : few;
  return short === text ? text : `${short}…`;
}
