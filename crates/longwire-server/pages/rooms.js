/**
 * Rooms: their names, their addresses, and the list of those lately visited.
 *
 * A room is a channel seen in the page: `/rooms/{name}` shows what passes over `/channels/{name}`. The page
 * at `/` is the lobby.
 */

export const LOBBY = 'lobby';

/** The most characters a room's name has here. */
export const ROOM_LENGTH = 64;

/** How many rooms the list remembers. */
export const REMEMBERED = 12;

/** Finds the name in a page's path, and in an address of a room or of its channel. */
const ADDRESS = /\/(?:rooms|channels)\/([^/?#]+)/u;

/**
 * What a person typed, as a room's name: in small letters, so that two people who tell each other a name
 * meet. An address is understood too, and taken at its word: channels tell `A` from `a`.
 * @param {string} raw
 * @returns {string} empty if nothing is left of it
 */
export function cleanRoomName(raw) {
  const address = ADDRESS.exec(raw);
  return address ? allowed(decode(address[1] ?? '')) : allowed(raw.toLowerCase());
}

/**
 * What of a name a channel's name may have.
 * @param {string} name
 */
function allowed(name) {
  const kept = name.normalize('NFC').trim().replace(/\s+/gu, '-').replace(/[^\p{L}\p{M}\p{N}\-_.~:@+=,]/gu, '');
  return Array.from(kept.replace(/^\.+/u, '')).slice(0, ROOM_LENGTH).join('');
}

/**
 * The room that a page's path stands for; the lobby if the path names none.
 * @param {string} pathname
 */
export function roomOfPath(pathname) {
  return /^\/rooms\/[^/]/u.test(pathname) ? cleanRoomName(pathname) || LOBBY : LOBBY;
}

/** @param {string} room */
export function pathOfRoom(room) {
  return room === LOBBY ? '/' : `/rooms/${encodeURIComponent(room)}`;
}

/**
 * The WebSocket address of a room's channel, on the server that the page came from.
 * @param {Pick<Location, 'protocol' | 'host'>} location
 * @param {string} room
 */
export function channelUrl({ protocol, host }, room) {
  return `${protocol === 'https:' ? 'wss:' : 'ws:'}//${host}/channels/${encodeURIComponent(room)}`;
}

const KEY = 'longwire.rooms';

/**
 * The rooms lately visited, newest first.
 * @param {Pick<Storage, 'getItem'>} storage
 * @returns {string[]}
 */
export function loadRooms(storage) {
  const kept = parse(storage.getItem(KEY));
  if (!Array.isArray(kept)) return [];
  const names = kept.filter((name) => typeof name === 'string').map(allowed);
  return [...new Set(names.filter((name) => name !== ''))].slice(0, REMEMBERED);
}

/**
 * @param {Pick<Storage, 'getItem' | 'setItem'>} storage
 * @param {string} room
 * @returns {string[]} the list with `room` in it; one that is known keeps its place
 */
export function rememberRoom(storage, room) {
  const known = loadRooms(storage);
  const rooms = known.includes(room) ? known : [room, ...known].slice(0, REMEMBERED);
  storage.setItem(KEY, JSON.stringify(rooms));
  return rooms;
}

/**
 * @param {Pick<Storage, 'getItem' | 'setItem'>} storage
 * @param {string} room
 * @returns {string[]} the list without `room`
 */
export function forgetRoom(storage, room) {
  const rooms = loadRooms(storage).filter((name) => name !== room);
  storage.setItem(KEY, JSON.stringify(rooms));
  return rooms;
}

/** @param {string} encoded */
function decode(encoded) {
  try {
    return decodeURIComponent(encoded);
  } catch {
    return encoded;
  }
}

/** @param {string | null} json @returns {unknown} */
function parse(json) {
  try {
    return JSON.parse(json ?? '');
  } catch {
    return null;
  }
}
