/**
 * The message box: text, pictures picked, pasted or dropped, and what is wrong with them. What is half
 * written in a room stays there when one turns to another.
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
 *
 * What is half written in one room; `preparing` counts the pictures that are being made ready.
 * @typedef {{ text: string, attachments: Attachment[], preparing: number }} Draft
 *
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
  /** @type {Map<string, Draft>} */ #drafts = new Map();
  /** The one that is in the box. @type {Draft} */ #draft = emptyDraft();
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

  /** @param {string} room */
  turnTo(room) {
    this.#draft = this.#drafts.get(room) ?? emptyDraft();
    this.#drafts.set(room, this.#draft);
    this.#text.value = this.#draft.text;
    this.#text.placeholder = `Write to ${room}`;
    this.#renderAttachments();
    this.#changed();
  }

  /** @param {string} room one that was left */
  forget(room) {
    for (const { url } of this.#drafts.get(room)?.attachments ?? []) URL.revokeObjectURL(url);
    this.#drafts.delete(room);
  }

  focus() {
    // On a phone the focus would bring up the keyboard and hide half of what there is to see.
    if (!matchMedia('(pointer: coarse)').matches) this.#text.focus();
  }

  /** @param {SubmitEvent} event */
  #submitted(event) {
    event.preventDefault();
    const text = this.#text.value.trim();
    if (this.#send.disabled) return;
    for (const attachment of this.#draft.attachments) {
      if (!this.#actions.onPicture(attachment.prepared)) return this.#full();
      this.#detach(attachment);
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
    this.#draft.text = this.#text.value;
    const { attachments, preparing } = this.#draft;
    const over = this.#text.value.trim().length - TEXT_LENGTH;
    this.#say(over > 0 ? `${over.toLocaleString()} characters too many.` : '');
    const empty = this.#text.value.trim() === '' && attachments.length === 0;
    this.#send.disabled = empty || over > 0 || preparing > 0;
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
    const draft = this.#draft;
    /** @type {string[]} */
    const troubles = [];
    for (const file of Array.from(files ?? [])) {
      if (draft.attachments.length + draft.preparing >= MOST_PICTURES) {
        troubles.push(`No more than ${MOST_PICTURES} pictures at once.`);
        break;
      }
      await this.#prepare(file, draft).catch((error) => troubles.push(inWords(error, file)));
    }
    if (troubles.length > 0) this.#say(troubles.join(' '));
    this.focus();
  }

  /** @param {File} file @param {Draft} draft the one it belongs to, whichever is in the box by then */
  async #prepare(file, draft) {
    draft.preparing += 1;
    this.#changed();
    try {
      const prepared = await preparePicture(file);
      const blob = new Blob([/** @type {Uint8Array<ArrayBuffer>} */ (prepared.bytes)], { type: prepared.info.mime });
      draft.attachments.push({ prepared, url: URL.createObjectURL(blob) });
    } finally {
      draft.preparing -= 1;
      this.#renderAttachments();
      this.#changed();
    }
  }

  /** @param {Attachment} attachment */
  #detach(attachment) {
    URL.revokeObjectURL(attachment.url);
    this.#draft.attachments = this.#draft.attachments.filter((other) => other !== attachment);
    this.#renderAttachments();
    this.#changed();
  }

  #renderAttachments() {
    const { attachments } = this.#draft;
    this.#list.hidden = attachments.length === 0;
    this.#list.replaceChildren(
      ...attachments.map((attachment) => {
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

/** @returns {Draft} */
function emptyDraft() {
  return { text: '', attachments: [], preparing: 0 };
}

/** @param {unknown} error @param {File} file */
function inWords(error, file) {
  return error instanceof PictureError ? error.message : `${file.name} could not be made ready: ${error}`;
}
