/**
 * The page: holds the rooms that were entered, and shows the one that the address names.
 *
 * A room that was entered stays joined while the page is open, so that nothing said in it is missed.
 */

import { copy } from './clipboard.js';
import { Composer } from './composer.js';
import { find, make, setText, icon } from './dom.js';
import { LogView } from './log-view.js';
import { freshId } from './messages.js';
import { NameView } from './name-view.js';
import { loadName, saveName } from './names.js';
import { PeopleView } from './people-view.js';
import { Room } from './room.js';
import { RoomsView } from './rooms-view.js';
import { channelUrl, forgetRoom, loadRooms, LOBBY, pathOfRoom, rememberRoom, roomOfPath } from './rooms.js';
import { StatusView } from './status-view.js';
import { forBrowser, forWindow } from './storage.js';

/** What happens within this time, in milliseconds, is shown together. */
const RENDER_PAUSE = 16;

class Page {
  /** This page's own id, new with every load; the name may be shared with other windows. */
  #me = { id: freshId(), name: loadName(forBrowser, forWindow, Math.random) };
  /** @type {Map<string, Room>} */ #rooms = new Map();
  /** @type {Map<string, LogView>} */ #logs = new Map();
  #current = LOBBY;
  #rendering = false;

  #logsElement = find('logs', HTMLElement);
  #newer = find('newer', HTMLButtonElement);
  #title = find('title', HTMLElement);

  #status = new StatusView();
  #people = new PeopleView();
  #name = new NameView((name) => this.#rename(name));
  #list = new RoomsView({
    onEnter: (name) => this.#go(name),
    onForget: (name) => this.#forget(name),
  });
  #composer = new Composer({
    onText: (text) => this.#room.say(text),
    onPicture: (picture) => this.#room.show(picture),
    onSent: () => this.#log.toEnd(),
  });

  start() {
    this.#listen();
    this.#show(roomOfPath(location.pathname));
    history.replaceState(null, '', pathOfRoom(this.#current));
    this.#composer.focus();
  }

  get #room() {
    return this.#rooms.get(this.#current) ?? this.#join(this.#current);
  }

  get #log() {
    const known = this.#logs.get(this.#current);
    if (known) return known;
    const log = new LogView(this.#room, () => this.#renderNewer());
    this.#logs.set(this.#current, log);
    this.#logsElement.append(log.element);
    return log;
  }

  #listen() {
    find('copy-link', HTMLButtonElement).addEventListener('click', () => copy(new URL(pathOfRoom(this.#current), location.href).href, 'Link copied'));
    this.#newer.addEventListener('click', () => this.#log.toEnd());
    addEventListener('popstate', () => this.#show(roomOfPath(location.pathname)));
    addEventListener('online', () => this.#everyRoom((room) => room.networkChanged(true)));
    addEventListener('offline', () => this.#everyRoom((room) => room.networkChanged(false)));
    addEventListener('pagehide', () => this.#everyRoom((room) => room.sayBye()));
    addEventListener('pageshow', ({ persisted }) => {
      // Brought back from the browser's cache, having said bye on the way there.
      if (persisted) this.#everyRoom((room) => room.sayHello());
    });
    addEventListener('beforeunload', (event) => {
      if ([...this.#rooms.values()].some((room) => room.waiting > 0)) event.preventDefault();
    });
    document.addEventListener('visibilitychange', () => {
      if (document.hidden) return;
      this.#everyRoom((room) => room.checkAlive());
      this.#requestRender();
    });
  }

  /** @param {(room: Room) => void} act */
  #everyRoom(act) {
    for (const room of this.#rooms.values()) act(room);
  }

  /** @param {string} name */
  #go(name) {
    if (name !== this.#current) history.pushState(null, '', pathOfRoom(name));
    this.#show(name);
    this.#composer.focus();
  }

  /** @param {string} name */
  #show(name) {
    this.#current = name;
    rememberRoom(forBrowser, name);
    this.#composer.turnTo(name);
    const shown = this.#log;
    for (const log of this.#logs.values()) log.element.hidden = log !== shown;
    this.#render();
  }

  /** @param {string} name */
  #join(name) {
    const room = new Room({
      name,
      address: channelUrl(location, name),
      me: () => this.#me,
      onChange: () => this.#requestRender(),
    });
    this.#rooms.set(name, room);
    room.join();
    return room;
  }

  /** @param {string} name */
  #forget(name) {
    this.#rooms.get(name)?.leave();
    this.#rooms.delete(name);
    this.#logs.get(name)?.remove();
    this.#logs.delete(name);
    this.#composer.forget(name);
    forgetRoom(forBrowser, name);
    if (name === this.#current) this.#go(LOBBY);
    else this.#render();
  }

  /** @param {string} name */
  #rename(name) {
    if (name === this.#me.name) return;
    this.#me = { ...this.#me, name };
    saveName(forBrowser, name);
    this.#everyRoom((room) => room.sayHello());
    this.#render();
  }

  /** By timer and not by animation frame: the title is to count on while the page is hidden. */
  #requestRender() {
    if (this.#rendering) return;
    this.#rendering = true;
    setTimeout(() => {
      this.#rendering = false;
      this.#render();
    }, RENDER_PAUSE);
  }

  #render() {
    const room = this.#room;
    if (!document.hidden) room.unread = 0;
    this.#log.render();
    setText(this.#title, room.name);
    this.#status.render(room);
    this.#people.render(room, this.#me.name);
    this.#name.render(this.#me.name);
    this.#list.render(loadRooms(forBrowser), this.#rooms, this.#current);
    this.#renderNewer();
    this.#renderTitle();
  }

  #renderNewer() {
    const { atEnd, newer } = this.#log;
    this.#newer.hidden = atEnd;
    const words = newer === 0 ? 'To the newest' : newer === 1 ? '1 new message' : `${newer} new messages`;
    if (this.#newer.dataset.words === words) return;
    this.#newer.dataset.words = words;
    this.#newer.replaceChildren(icon('down'), make('span', { text: words }));
  }

  #renderTitle() {
    const unread = [...this.#rooms.values()].reduce((sum, room) => sum + room.unread, 0);
    const count = unread === 0 ? '' : `(${unread}) `;
    document.title = `${count}${this.#current} · Longwire`;
  }
}

new Page().start();
