/**
 * The message box: text, pictures picked, pasted or dropped, and what is wrong with them.
 */

import { find, icon, make } from './dom.js';
import { PictureError, preparePicture } from './pictures.js';

/** The longest text that is sent, in UTF-16 units: even as escaped JSON far from the server's limit. */
export const TEXT_LENGTH = 16_000;

/** The most pictures that one message carries along. */
const MOST_PICTURES = 10;

/** The tallest the box grows, as a share of the window. */
const TALLEST = 0.4;

/**
 * @typedef {import('./pictures.js').Prepared} Prepared
 * @typedef {{ prepared: Prepared, url: string }} Attachment
 * @typedef {{ onText: (text: string) => boolean, onPicture: (picture: Prepared) => boolean,
 *   onSent: () => void }} Actions
 */

export class Composer {
  #form = find('composer', HTMLFormElement);
  #text = find('text', HTMLTextAreaElement);
  #send = find('send', HTMLButtonElement);
  #file = find('file', HTMLInputElement);
  #list = find('attachments', HTMLElement);
  #trouble = find('trouble', HTMLElement);
  #drop = find('drop', HTMLElement);
  /** @type {Attachment[]} */ #attachments = [];
  #preparing = 0;
  /** @type {Actions} */ #actions;

  /** @param {Actions} actions */
  constructor(actions) {
    this.#actions = actions;
    this.#form.addEventListener('submit', (event) => this.#submitted(event));
    this.#text.addEventListener('input', () => this.#changed());
    this.#text.addEventListener('keydown', (event) => this.#keyPressed(event));
    find('pick', HTMLButtonElement).addEventListener('click', () => this.#file.click());
    this.#file.addEventListener('change', () => {
      this.#add(this.#file.files);
      this.#file.value = '';
    });
    document.addEventListener('paste', (event) => this.#pasted(event));
    this.#acceptDrops(find('room', HTMLElement));
    this.#changed();
  }

  get draft() {
    return this.#text.value;
  }

  set draft(text) {
    this.#text.value = text;
    this.#changed();
  }

  /** @param {string} room */
  set room(room) {
    this.#text.placeholder = `Write to ${room}`;
  }

  focus() {
    // On a phone the focus would bring up the keyboard and hide half of what there is to see.
    if (!matchMedia('(pointer: coarse)').matches) this.#text.focus();
  }

  /** @param {SubmitEvent} event */
  #submitted(event) {
    event.preventDefault();
    const text = this.#text.value.trim();
    if (text.length > TEXT_LENGTH || this.#preparing > 0) return this.#changed();
    if (text === '' && this.#attachments.length === 0) return;
    while (this.#attachments.length > 0) {
      const [first] = this.#attachments;
      if (!first || !this.#actions.onPicture(first.prepared)) return this.#full();
      this.#detach(first);
    }
    if (text !== '' && !this.#actions.onText(text)) return this.#full();
    this.#text.value = '';
    this.#changed();
    this.#text.focus();
    this.#actions.onSent();
  }

  #full() {
    this.#say('Too much is waiting to be sent. It has been kept here: send it when the connection is back.');
  }

  #changed() {
    const over = this.#text.value.trim().length - TEXT_LENGTH;
    this.#say(over > 0 ? `${over.toLocaleString()} characters too many.` : '');
    const empty = this.#text.value.trim() === '' && this.#attachments.length === 0;
    this.#send.disabled = empty || over > 0 || this.#preparing > 0;
    this.#text.style.height = 'auto';
    this.#text.style.height = `${Math.min(this.#text.scrollHeight, innerHeight * TALLEST)}px`;
  }

  /** @param {KeyboardEvent} event */
  #keyPressed(event) {
    const plainEnter = event.key === 'Enter' && !event.shiftKey && !event.altKey && !event.isComposing;
    // A touch keyboard has no other way to a new line; it sends by the button.
    if (!plainEnter || matchMedia('(pointer: coarse)').matches) return;
    event.preventDefault();
    this.#form.requestSubmit();
  }

  /** @param {ClipboardEvent} event */
  #pasted(event) {
    const files = event.clipboardData?.files;
    // A table copied from an office program comes as text and as a picture of it: the text is meant.
    if (!files?.length || event.clipboardData?.types.includes('text/plain')) return;
    event.preventDefault();
    this.#add(files);
  }

  /** @param {HTMLElement} target */
  #acceptDrops(target) {
    const hasFiles = (/** @type {DragEvent} */ event) => event.dataTransfer?.types.includes('Files') ?? false;
    target.addEventListener('dragover', (event) => {
      if (!hasFiles(event)) return;
      event.preventDefault();
      this.#drop.hidden = false;
    });
    target.addEventListener('dragleave', (event) => {
      const to = event.relatedTarget;
      if (!(to instanceof Node && target.contains(to))) this.#drop.hidden = true;
    });
    target.addEventListener('drop', (event) => {
      this.#drop.hidden = true;
      if (!hasFiles(event)) return;
      event.preventDefault();
      this.#add(event.dataTransfer?.files ?? null);
    });
  }

  /** @param {FileList | null} files */
  async #add(files) {
    /** @type {string[]} */
    const troubles = [];
    for (const file of Array.from(files ?? [])) {
      if (this.#attachments.length + this.#preparing >= MOST_PICTURES) {
        troubles.push(`No more than ${MOST_PICTURES} pictures at once.`);
        break;
      }
      await this.#prepare(file).catch((error) => troubles.push(inWords(error, file)));
    }
    if (troubles.length > 0) this.#say(troubles.join(' '));
    this.focus();
  }

  /** @param {File} file */
  async #prepare(file) {
    this.#preparing += 1;
    this.#changed();
    try {
      const prepared = await preparePicture(file);
      const blob = new Blob([/** @type {Uint8Array<ArrayBuffer>} */ (prepared.bytes)], { type: prepared.info.mime });
      this.#attachments.push({ prepared, url: URL.createObjectURL(blob) });
    } finally {
      this.#preparing -= 1;
      this.#renderAttachments();
      this.#changed();
    }
  }

  /** @param {Attachment} attachment */
  #detach(attachment) {
    URL.revokeObjectURL(attachment.url);
    this.#attachments = this.#attachments.filter((other) => other !== attachment);
    this.#renderAttachments();
    this.#changed();
  }

  #renderAttachments() {
    this.#list.hidden = this.#attachments.length === 0;
    this.#list.replaceChildren(
      ...this.#attachments.map((attachment) => {
        const { info, note } = attachment.prepared;
        const remove = make('button', { class: 'remove', type: 'button', 'aria-label': `Leave out ${info.name}` }, icon('close'));
        remove.addEventListener('click', () => this.#detach(attachment));
        return make('li', {}, make('img', { src: attachment.url, alt: info.name }), make('span', { class: 'note', text: note }), remove);
      }),
    );
  }

  /** @param {string} words */
  #say(words) {
    this.#trouble.textContent = words;
  }
}

/** @param {unknown} error @param {File} file */
function inWords(error, file) {
  return error instanceof PictureError ? error.message : `${file.name} could not be made ready: ${error}`;
}
