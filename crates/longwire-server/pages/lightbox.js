/**
 * Shows one picture large. Escape, the button and a click beside the picture close it.
 */

import { find } from './dom.js';

const dialog = find('lightbox', HTMLDialogElement);
const image = find('lightbox-image', HTMLImageElement);
const caption = find('lightbox-caption', HTMLElement);
const save = find('lightbox-save', HTMLAnchorElement);

dialog.addEventListener('click', ({ target }) => {
  if (target === dialog || target === image) dialog.close();
});
dialog.addEventListener('close', () => image.removeAttribute('src'));

/**
 * @param {string} url
 * @param {string} name the file's name
 * @param {string} description
 */
export function enlarge(url, name, description) {
  image.src = url;
  image.alt = description;
  caption.textContent = description;
  save.href = url;
  save.download = name;
  dialog.showModal();
}
