/**
 * What stands in a room in which nothing has been said: how to get someone to answer.
 */

import { copy } from './clipboard.js';
import { find, icon, make } from './dom.js';
import { pathOfRoom } from './rooms.js';

/**
 * @param {import('./room.js').Room} room
 * @returns {HTMLElement}
 */
export function emptyRoom(room) {
  const page = new URL(pathOfRoom(room.name), location.href).href;
  return make(
    'section',
    { class: 'empty' },
    drawing(),
    make('h2', { text: 'A wire has two ends' }),
    make('p', { text: 'Nothing has been said here yet. Open this address in a second window, or send it to someone:' }),
    sample(page),
    make('p', { text: 'Or listen in from a terminal, and type:' }),
    sample(`longwire connect ${room.address}`),
  );
}

/** Two poles and the wire between them, on which something travels. */
function drawing() {
  const template = find('drawing', HTMLTemplateElement);
  return template.content.cloneNode(true);
}

/** @param {string} text */
function sample(text) {
  const button = make('button', { class: 'icon-button', type: 'button', 'aria-label': 'Copy' }, icon('copy'));
  button.addEventListener('click', () => copy(text, 'Copied'));
  return make('div', { class: 'sample' }, make('code', { text, tabindex: '0' }), button);
}
