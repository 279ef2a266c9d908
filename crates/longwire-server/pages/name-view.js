/**
 * The reader's own name: shown beside the rooms, and changed in a dialog.
 */

import { paintAvatar } from './avatar.js';
import { find } from './dom.js';
import { cleanName } from './names.js';

export class NameView {
  #dialog = find('name-dialog', HTMLDialogElement);
  #input = find('name', HTMLInputElement);
  #preview = find('name-avatar', HTMLElement);

  /** @param {(name: string) => void} onRename */
  constructor(onRename) {
    find('me', HTMLButtonElement).addEventListener('click', () => this.#open());
    find('name-cancel', HTMLButtonElement).addEventListener('click', () => this.#dialog.close(''));
    this.#input.addEventListener('input', () => this.#changed());
    this.#dialog.addEventListener('close', () => {
      const name = cleanName(this.#input.value);
      if (this.#dialog.returnValue === 'save' && name !== '') onRename(name);
    });
  }

  /** @param {string} name */
  render(name) {
    find('me-name', HTMLElement).textContent = name;
    paintAvatar(find('me-avatar', HTMLElement), name);
  }

  #open() {
    this.#input.value = find('me-name', HTMLElement).textContent ?? '';
    this.#dialog.returnValue = '';
    this.#changed();
    this.#dialog.showModal();
    this.#input.select();
  }

  #changed() {
    const name = cleanName(this.#input.value);
    this.#input.setCustomValidity(name === '' ? 'A name needs at least one character.' : '');
    paintAvatar(this.#preview, name);
  }
}
