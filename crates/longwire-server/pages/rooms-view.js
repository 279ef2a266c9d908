/**
 * The list of rooms beside the conversation: where one is, what is new elsewhere, and the way to another.
 */

import { icon, find, make } from './dom.js';
import { cleanRoomName, LOBBY, pathOfRoom } from './rooms.js';
import { explain } from './explain.js';

/**
 * @typedef {import('./room.js').Room} Room
 * @typedef {{ onEnter: (name: string) => void, onForget: (name: string) => void }} Actions
 */

export class RoomsView {
  #side = find('side', HTMLElement);
  #scrim = find('scrim', HTMLElement);
  #list = find('rooms', HTMLElement);
  #menu = find('menu', HTMLButtonElement);
  #badge = find('menu-badge', HTMLElement);
  #form = find('open-room', HTMLFormElement);
  #input = find('room-name', HTMLInputElement);
  /** @type {Actions} */ #actions;
  /** What the list shows, to leave it alone when nothing changed. */
  #shown = '';

  /** @param {Actions} actions */
  constructor(actions) {
    this.#actions = actions;
    this.#menu.addEventListener('click', () => this.#setDrawer(!this.#isDrawerOpen()));
    this.#scrim.addEventListener('click', () => this.#setDrawer(false));
    this.#side.addEventListener('keydown', ({ key }) => {
      if (key === 'Escape' && this.#isDrawerOpen()) this.#setDrawer(false);
    });
    this.#side.addEventListener('click', (event) => this.#clicked(event));
    this.#form.addEventListener('submit', (event) => this.#submitted(event));
  }

  /**
   * @param {string[]} names
   * @param {Map<string, Room>} joined
   * @param {string} current
   */
  render(names, joined, current) {
    const entries = [LOBBY, ...names.filter((name) => name !== LOBBY)].map((name) => {
      const room = joined.get(name);
      const look = room ? explain(room.connection, room.now()).look : 'away';
      return { name, look, unread: name === current ? 0 : (room?.unread ?? 0), current: name === current };
    });
    const elsewhere = entries.reduce((sum, { unread }) => sum + unread, 0);
    this.#badge.hidden = elsewhere === 0;
    this.#menu.setAttribute('aria-label', elsewhere === 0 ? 'Rooms' : `Rooms, ${elsewhere} unread`);
    const key = JSON.stringify(entries);
    if (key === this.#shown) return;
    this.#shown = key;
    const focused = document.activeElement?.closest('[data-room]')?.getAttribute('data-room');
    this.#list.replaceChildren(...entries.map(entry));
    // The list is small and made anew; whoever walks through it by keyboard stays where they were.
    if (focused && document.activeElement === document.body) this.#focus(focused);
  }

  /** @param {string} name */
  #focus(name) {
    const links = this.#list.querySelectorAll('a');
    Array.from(links).find((link) => link.dataset.room === name)?.focus();
  }

  /** @param {MouseEvent} event */
  #clicked(event) {
    const target = event.target instanceof Element ? event.target : null;
    const forget = target?.closest('[data-forget]')?.getAttribute('data-forget');
    const room = target?.closest('a[data-room]')?.getAttribute('data-room');
    if (forget) return this.#actions.onForget(forget);
    // A click that asks for a new tab or window is the browser's.
    if (!room || event.metaKey || event.ctrlKey || event.shiftKey || event.button !== 0) return;
    event.preventDefault();
    this.#setDrawer(false);
    this.#actions.onEnter(room);
  }

  /** @param {SubmitEvent} event */
  #submitted(event) {
    event.preventDefault();
    const name = cleanRoomName(this.#input.value);
    this.#input.setCustomValidity(name === '' && this.#input.value !== '' ? 'A room’s name needs a letter or a digit.' : '');
    if (name === '') return void this.#input.reportValidity();
    this.#input.value = '';
    this.#setDrawer(false);
    this.#actions.onEnter(name);
  }

  #isDrawerOpen() {
    return this.#side.classList.contains('open');
  }

  /** On a narrow window the list is a drawer. @param {boolean} open */
  #setDrawer(open) {
    if (open === this.#isDrawerOpen()) return;
    this.#side.classList.toggle('open', open);
    this.#scrim.hidden = !open;
    find('room', HTMLElement).inert = open;
    this.#menu.setAttribute('aria-expanded', String(open));
    if (open) this.#side.querySelector('a')?.focus();
    else this.#menu.focus();
  }
}

/** @param {{ name: string, look: string, unread: number, current: boolean }} room */
function entry({ name, look, unread, current }) {
  const badge = unread === 0 ? null : make('span', { class: 'badge', text: unread > 99 ? '99+' : String(unread), 'aria-label': `${unread} unread` });
  const link = make(
    'a',
    { href: pathOfRoom(name), 'data-room': name, 'aria-current': current ? 'page' : null },
    make('span', { class: 'dot', 'data-look': look, 'aria-hidden': 'true' }),
    make('bdi', { class: 'room-name', text: name }),
    badge,
  );
  const forget = name === LOBBY ? null : make('button', { class: 'forget', type: 'button', 'data-forget': name, 'aria-label': `Leave ${name} and forget it`, title: 'Leave and forget' }, icon('close'));
  return make('li', {}, link, forget);
}
