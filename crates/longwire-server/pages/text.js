/**
 * What a text is made of: plain runs and links. It yields pieces and no markup, so that whoever shows them
 * builds text nodes, and nothing that a stranger wrote is ever parsed as HTML.
 */

/**
 * @typedef {{ kind: 'plain', text: string } | { kind: 'link', text: string, href: string }} Piece
 */

/** Longer addresses are not linked. It also bounds the work that a hostile text can make. */
const LONGEST_ADDRESS = 2_000;

/** Stops at white space and at what cannot stand in a URL unescaped. */
const CANDIDATE = new RegExp(`\\b(?:https?://|www\\.)[^\\s<>"“”\`{}|\\\\^]{1,${LONGEST_ADDRESS}}`, 'giu');

/** What ends a sentence rather than an address. */
const TRAILING = '.,:;!?\'’»…)]';

/** @type {ReadonlyMap<string, string>} */
const OPENING = new Map([
  [')', '('],
  [']', '['],
]);

/**
 * @param {string} text
 * @returns {Piece[]} that joined give `text`
 */
export function pieces(text) {
  /** @type {Piece[]} */
  const found = [];
  let rest = 0;
  for (const match of text.matchAll(CANDIDATE)) {
    const address = trimmed(match[0]);
    const href = match[0].length > LONGEST_ADDRESS ? null : hrefOf(address);
    if (href === null) continue;
    if (match.index > rest) found.push({ kind: 'plain', text: text.slice(rest, match.index) });
    found.push({ kind: 'link', text: address, href });
    rest = match.index + address.length;
  }
  if (rest < text.length) found.push({ kind: 'plain', text: text.slice(rest) });
  return found;
}

/**
 * Whether a text is nothing but a few emoji, which deserve to be shown large.
 * @param {string} text
 */
export function isFewEmoji(text) {
  const few = text.trim();
  if (few === '' || few.length > 60) return false;
  const graphemes = Array.from(new Intl.Segmenter().segment(few), ({ segment }) => segment);
  const emoji = graphemes.filter((grapheme) => !/^\s+$/u.test(grapheme));
  return emoji.length <= 3 && emoji.every(isEmoji);
}

/** @param {string} grapheme */
function isEmoji(grapheme) {
  return /^(?:\p{Emoji_Presentation}|\p{Emoji}\uFE0F|\p{Regional_Indicator}{2})/u.test(grapheme);
}

/**
 * Without the full stop of the sentence it stands in, or the bracket that was opened before it.
 * @param {string} address
 */
function trimmed(address) {
  let end = address;
  while (end !== '' && TRAILING.includes(end.slice(-1))) {
    const open = OPENING.get(end.slice(-1));
    if (open !== undefined && count(end, open) >= count(end, end.slice(-1))) break;
    end = end.slice(0, -1);
  }
  return end;
}

/** @param {string} text @param {string} character */
function count(text, character) {
  return text.split(character).length - 1;
}

/** @param {string} address @returns {string | null} */
function hrefOf(address) {
  try {
    const url = new URL(/^www\./iu.test(address) ? `https://${address}` : address);
    const isWeb = url.protocol === 'https:' || url.protocol === 'http:';
    return isWeb && /[\p{L}\p{N}\]]/u.test(url.hostname) ? url.href : null;
  } catch {
    return null;
  }
}
