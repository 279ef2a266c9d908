/**
 * Who seems to be here: a number at the top, names when asked.
 */

import { avatar } from './avatar.js';
import { find, make, setText } from './dom.js';

export class PeopleView {
  #button = find('people-button', HTMLButtonElement);
  #count = find('people-count', HTMLElement);
  #list = find('people-list', HTMLElement);
  #shown = '';

  /**
   * @param {import('./room.js').Room} room
   * @param {string} me
   */
  render(room, me) {
    const isOpen = room.connection.link.phase === 'open';
    const others = room.people.map(({ name }) => name);
    // Without a connection there is nothing that we know.
    const count = isOpen ? String(others.length + 1) : '–';
    setText(this.#count, count);
    this.#button.setAttribute('aria-label', isOpen ? `Who is here: ${count}` : 'Who is here: unknown');
    const key = JSON.stringify([isOpen, me, others]);
    if (key === this.#shown) return;
    this.#shown = key;
    const names = isOpen ? [entry(me, 'you'), ...others.map((name) => entry(name, ''))] : [make('li', { class: 'small', text: 'Not known while there is no connection.' })];
    this.#list.replaceChildren(...names);
  }
}

/** @param {string} name @param {string} tag */
function entry(name, tag) {
  return make('li', {}, avatar(name), make('bdi', { text: name }), tag === '' ? null : make('span', { class: 'tag', text: tag }));
}
