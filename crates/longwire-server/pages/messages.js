/**
 * The page's own small format on top of a channel.
 *
 * The server broadcasts every text and binary message to everyone in the channel, the sender included, and
 * neither reads nor changes them. So what the messages mean is agreed here, between pages:
 *
 * - text: JSON, `{"type":"chat","id","from":{"id","name"},"text","at"}`, and for who is around
 *   `{"type":"hello"|"here"|"bye","id","from"}`: I came, I am here too, I am going;
 * - binary: `LWP1`, the length of what follows as 32 bits big-endian, JSON
 *   `{"type":"picture","id","from","at","mime","name","width","height"}`, and the picture's bytes.
 *
 * Anyone can write to a channel, and anything that is not of this format is shown for what it is. Nothing in
 * it is verified: a name is what its sender says. Only our own messages are known for certain, by an id that
 * nobody else has seen before they come back.
 */

import { cleanName, SOMEONE } from './names.js';

/**
 * @typedef {{ id: string, name: string }} Person
 * @typedef {{ kind: 'chat', id: string | null, from: Person | null, text: string, at: number | null }} Chat
 * @typedef {{ kind: 'hello' | 'here' | 'bye', id: string | null, from: Person }} Presence
 * @typedef {{ mime: string, name: string, width: number, height: number }} PictureInfo
 * @typedef {{ kind: 'picture', id: string | null, from: Person | null, at: number | null,
 *   bytes: Uint8Array } & PictureInfo} Picture
 * @typedef {{ kind: 'text', id: null, text: string }} ForeignText
 * @typedef {{ kind: 'binary', id: null, bytes: Uint8Array }} ForeignBinary
 * @typedef {Chat | Presence | Picture | ForeignText | ForeignBinary} Message
 */

/** `LWP1` */
const MAGIC = Uint8Array.of(0x4c, 0x57, 0x50, 0x31);
const HEADER_LENGTH = MAGIC.length + 4;
const ID_LENGTH = 64;

/** The longest description of a picture that is believed, in bytes. */
export const MAX_INFO = 4096;

/** The kinds of pictures that are shown. SVG is not: it is a program rather than a picture. */
export const PICTURE_TYPES = ['image/jpeg', 'image/png', 'image/webp', 'image/gif', 'image/avif'];

/**
 * An id that nobody can guess.
 * @returns {string}
 */
export function freshId() {
  // Not crypto.randomUUID(): that one is missing from pages that came by plain HTTP from another host.
  const bytes = crypto.getRandomValues(new Uint8Array(12));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
}

/**
 * @param {{ id: string, from: Person, text: string, at: number }} chat
 * @returns {string}
 */
export function encodeChat({ id, from, text, at }) {
  return JSON.stringify({ type: 'chat', id, from, text, at });
}

/**
 * @param {Presence['kind']} kind
 * @param {{ id: string, from: Person }} presence
 * @returns {string}
 */
export function encodePresence(kind, { id, from }) {
  return JSON.stringify({ type: kind, id, from });
}

/**
 * @param {{ id: string, from: Person, at: number, bytes: Uint8Array } & PictureInfo} picture
 * @returns {Uint8Array}
 */
export function encodePicture({ bytes, id, from, at, mime, name, width, height }) {
  const info = JSON.stringify({ type: 'picture', id, from, at, mime, name: name.slice(0, 200), width, height });
  const json = new TextEncoder().encode(info);
  const message = new Uint8Array(HEADER_LENGTH + json.length + bytes.length);
  message.set(MAGIC);
  new DataView(message.buffer).setUint32(MAGIC.length, json.length);
  message.set(json, HEADER_LENGTH);
  message.set(bytes, HEADER_LENGTH + json.length);
  return message;
}

/**
 * @param {Message} message
 * @returns {message is Presence}
 */
export function isPresence(message) {
  return message.kind === 'hello' || message.kind === 'here' || message.kind === 'bye';
}

/**
 * Total: every message means something, if only that a stranger sent it.
 * @param {string | ArrayBuffer} data
 * @returns {Message}
 */
export function decode(data) {
  return typeof data === 'string' ? decodeText(data) : decodeBinary(new Uint8Array(data));
}

/** @param {string} text @returns {Message} */
function decodeText(text) {
  const value = parseObject(text);
  switch (value?.type) {
    case 'chat':
      if (typeof value.text !== 'string') break;
      return { kind: 'chat', id: idOf(value.id), from: personOf(value.from), text: value.text, at: timeOf(value.at) };
    case 'hello':
    case 'here':
    case 'bye': {
      const from = personOf(value.from);
      if (from === null) break;
      return { kind: value.type, id: idOf(value.id), from };
    }
  }
  return { kind: 'text', id: null, text };
}

/** @param {Uint8Array} message @returns {Message} */
function decodeBinary(message) {
  return decodePicture(message) ?? { kind: 'binary', id: null, bytes: message };
}

/** @param {Uint8Array} message @returns {Picture | null} */
function decodePicture(message) {
  if (message.length < HEADER_LENGTH || MAGIC.some((byte, i) => message[i] !== byte)) return null;
  const length = new DataView(message.buffer, message.byteOffset).getUint32(MAGIC.length);
  if (length > MAX_INFO || length > message.length - HEADER_LENGTH) return null;
  const info = parseObject(utf8(message.subarray(HEADER_LENGTH, HEADER_LENGTH + length)));
  if (info?.type !== 'picture' || !PICTURE_TYPES.includes(info.mime)) return null;
  return {
    kind: 'picture',
    id: idOf(info.id),
    from: personOf(info.from),
    at: timeOf(info.at),
    mime: info.mime,
    name: cleanName(info.name),
    width: sideOf(info.width),
    height: sideOf(info.height),
    bytes: message.subarray(HEADER_LENGTH + length),
  };
}

/** @param {Uint8Array} bytes @returns {string} empty if it is no UTF-8 */
function utf8(bytes) {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    return '';
  }
}

/** @param {string} json @returns {Record<string, any> | null} */
function parseObject(json) {
  try {
    const value = JSON.parse(json);
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? value : null;
  } catch {
    return null;
  }
}

/** @param {unknown} value @returns {string | null} */
function idOf(value) {
  return typeof value === 'string' && value !== '' && value.length <= ID_LENGTH ? value : null;
}

/** @param {any} value @returns {Person | null} */
function personOf(value) {
  const id = idOf(value?.id);
  const name = cleanName(value?.name);
  // A small program that says only its name is welcome: its name then tells it from others.
  if (id === null && name === '') return null;
  return { id: id ?? `name:${name}`, name: name || SOMEONE };
}

/** @param {unknown} value @returns {number | null} */
function timeOf(value) {
  // The bounds of what a Date can hold (ECMA-262, time values).
  return typeof value === 'number' && Math.abs(value) <= 8.64e15 ? value : null;
}

/** @param {unknown} value @returns {number} a picture's side in pixels; 0 for unknown */
function sideOf(value) {
  return typeof value === 'number' && value >= 1 && value <= 32_768 ? Math.round(value) : 0;
}
