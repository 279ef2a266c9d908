/**
 * People's names: how they are cleaned, coloured and first made up.
 */

/** The most characters of a name that are shown. */
export const NAME_LENGTH = 32;

/** Whoever gives no name. */
export const SOMEONE = 'someone';

/**
 * A name as it may be shown: one line, without the control and direction characters by which a name could
 * disguise itself or reorder the text around it. The zero-width joiner stays: emoji are made with it.
 * @param {unknown} raw
 * @returns {string} may be empty
 */
export function cleanName(raw) {
  if (typeof raw !== 'string') return '';
  const line = raw
    .slice(0, NAME_LENGTH * 16)
    .normalize('NFC')
    .replace(/\s+/gu, ' ')
    .replace(/(?!\u200D)[\p{Cc}\p{Cf}\p{Cs}\p{Co}\p{Cn}]/gu, '')
    .trim();
  const graphemes = Array.from(new Intl.Segmenter().segment(line), ({ segment }) => segment);
  // Bounded in code points too: combining marks make one grapheme as long as one likes.
  const cut = Array.from(graphemes.slice(0, NAME_LENGTH).join('')).slice(0, NAME_LENGTH * 2);
  return cut.join('').trim();
}

/**
 * The hue, in degrees, that stands for a name: the same in every window. (FNV-1a over UTF-16 units.)
 * @param {string} name
 */
export function hueOf(name) {
  let hash = 0x811c9dc5;
  for (let i = 0; i < name.length; i += 1) {
    hash = Math.imul(hash ^ name.charCodeAt(i), 0x01000193);
  }
  // The low bits of FNV-1a are its weakest, so the high ones are folded in.
  return ((hash ^ (hash >>> 15)) >>> 0) % 360;
}

/**
 * What stands in the round picture of a person.
 * @param {string} name
 */
export function initialOf(name) {
  const [first] = new Intl.Segmenter().segment(name);
  return first === undefined ? '?' : first.segment.toLocaleUpperCase();
}

const MANNERS = ['Amber', 'Brisk', 'Calm', 'Clever', 'Gentle', 'Keen', 'Lucky', 'Merry', 'Quiet', 'Swift', 'Warm', 'Witty'];
const ANIMALS = ['Badger', 'Crane', 'Dormouse', 'Falcon', 'Finch', 'Fox', 'Hare', 'Heron', 'Lynx', 'Otter', 'Robin', 'Wren'];

/**
 * A name to begin with, so that nobody has to fill in a form before saying hello.
 * @param {() => number} random
 */
export function inventName(random) {
  const pick = (/** @type {string[]} */ words) => words[Math.floor(random() * words.length)];
  return `${pick(MANNERS)} ${pick(ANIMALS)}`;
}

const KEY = 'longwire.name';

/**
 * The name this browser was given, or one made up for this window: who opens a second window to see what
 * happens then meets someone else in it. Windows that are open keep their name when another is renamed.
 * @param {Pick<Storage, 'getItem'>} browser what is remembered for all windows
 * @param {Pick<Storage, 'getItem' | 'setItem'>} window what is remembered for this one
 * @param {() => number} random
 */
export function loadName(browser, window, random) {
  const known = cleanName(browser.getItem(KEY)) || cleanName(window.getItem(KEY));
  if (known !== '') return known;
  const name = inventName(random);
  window.setItem(KEY, name);
  return name;
}

/**
 * @param {Pick<Storage, 'setItem'>} browser
 * @param {string} name one that its owner chose
 */
export function saveName(browser, name) {
  browser.setItem(KEY, name);
}
