/**
 * The round sign of a person: the first character of the name on the colour of the name.
 */

import { make } from './dom.js';
import { hueOf, initialOf } from './names.js';

/**
 * @param {string} name
 * @returns {HTMLElement}
 */
export function avatar(name) {
  const element = make('span', { class: 'avatar', 'aria-hidden': 'true' });
  paintAvatar(element, name);
  return element;
}

/**
 * @param {HTMLElement} element
 * @param {string} name
 */
export function paintAvatar(element, name) {
  element.textContent = initialOf(name);
  element.style.setProperty('--hue', String(hueOf(name)));
}
