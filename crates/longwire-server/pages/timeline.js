/**
 * What a room shows: lines in the channel's order, and after them our own that are still on their way.
 *
 * A line of ours takes its place in the order when it comes back from the server. A message that was sent
 * again after a lost connection may come twice: the second is known by its id and not shown.
 */

/** The most lines that are kept; a page that stays open for weeks must not grow. */
export const MOST_LINES = 400;

/** The most bytes of texts and pictures that are kept. */
export const MOST_BYTES = 64 * 1024 * 1024;

/** How many ids are remembered for telling duplicates. */
export const MOST_IDS = 4_000;

/** Lines of one person this close together, in milliseconds, share one heading. */
export const GROUP_TIME = 5 * 60_000;

/**
 * @typedef {import('./messages.js').Person} Person
 * @typedef {{ type: 'text', text: string }
 *   | { type: 'picture', bytes: Uint8Array, info: import('./messages.js').PictureInfo }
 *   | { type: 'binary', bytes: Uint8Array }
 *   | { type: 'notice', text: string }
 *   | { type: 'gap', text: string }} Content
 *
 * `at` is when the line took its place here, `writtenAt` when its sender says it was written. `from` is null
 * for notices and for strangers, whom `foreign` tells apart.
 * @typedef {{ key: string, id: string | null, content: Content, from: Person | null, mine: boolean,
 *   foreign: boolean, at: number, writtenAt: number | null, pending: boolean }} Line
 *
 * @typedef {{ line: Line, heading: boolean, newDay: boolean }} Arranged
 *
 * @typedef {'added' | 'confirmed' | 'duplicate'} Outcome
 */

export class Timeline {
  /** @type {readonly Line[]} */
  lines = [];
  /** @type {readonly Line[]} */
  pending = [];
  /** Whether older lines have been let go. */
  trimmed = false;

  /** @type {Set<string>} */ #seen = new Set();
  #count = 0;
  #bytes = 0;

  /** @param {string} text @param {number} at */
  addNotice(text, at) {
    this.#append(this.#line({ content: { type: 'notice', text }, at }));
  }

  /** @param {string} text @param {number} at */
  addGap(text, at) {
    this.#append(this.#line({ content: { type: 'gap', text }, at }));
  }

  /**
   * A line of ours, before the server has it.
   * @param {string} id
   * @param {Person} from
   * @param {Content} content
   * @param {number} at
   */
  addPending(id, from, content, at) {
    const line = this.#line({ id, content, from, mine: true, at, writtenAt: at, pending: true });
    this.pending = [...this.pending, line];
  }

  /** @param {string} id */
  dropPending(id) {
    this.pending = this.pending.filter((line) => line.id !== id);
  }

  /**
   * Whether a message with this id was received before; from now on it was.
   * @param {string | null} id null for messages without one: these are all different
   * @returns {boolean}
   */
  sawBefore(id) {
    if (id === null) return false;
    if (this.#seen.has(id)) return true;
    this.#seen.add(id);
    // A set yields its members in the order in which they came: the first is the oldest.
    const [oldest] = this.#seen;
    if (this.#seen.size > MOST_IDS && oldest !== undefined) this.#seen.delete(oldest);
    return false;
  }

  /**
   * Gives a received message its place in the order.
   * @param {import('./messages.js').Chat | import('./messages.js').Picture
   *   | import('./messages.js').ForeignText | import('./messages.js').ForeignBinary} message
   * @param {number} at
   * @returns {Outcome}
   */
  receive(message, at) {
    if (this.sawBefore(message.id)) return 'duplicate';
    const mine = this.pending.find((line) => line.id !== null && line.id === message.id);
    if (mine) {
      this.pending = this.pending.filter((line) => line !== mine);
      this.#append({ ...mine, at, pending: false });
      return 'confirmed';
    }
    this.#append(this.#received(message, at));
    return 'added';
  }

  /**
   * Everything to show, in order, with what stands above each line: the sender's name, and the day where one ends.
   * @returns {Arranged[]}
   */
  arranged() {
    const all = [...this.lines, ...this.pending];
    return all.map((line, i) => {
      const before = all[i - 1];
      const newDay = before !== undefined && !sameDay(before.at, line.at);
      return { line, newDay, heading: before === undefined || newDay || !sameGroup(before, line) };
    });
  }

  /**
   * @param {Parameters<Timeline['receive']>[0]} message
   * @param {number} at
   * @returns {Line}
   */
  #received(message, at) {
    switch (message.kind) {
      case 'chat': {
        const { text, from, id, at: writtenAt } = message;
        return this.#line({ id, content: { type: 'text', text }, from, at, writtenAt, foreign: from === null });
      }
      case 'picture': {
        const { bytes, from, id, at: writtenAt, mime, name, width, height } = message;
        /** @type {Content} */
        const content = { type: 'picture', bytes, info: { mime, name, width, height } };
        return this.#line({ id, content, from, at, writtenAt, foreign: from === null });
      }
      case 'text':
        return this.#line({ content: { type: 'text', text: message.text }, at, foreign: true });
      case 'binary':
        return this.#line({ content: { type: 'binary', bytes: message.bytes }, at, foreign: true });
    }
  }

  /** @param {Partial<Line> & Pick<Line, 'content' | 'at'>} parts @returns {Line} */
  #line(parts) {
    this.#count += 1;
    const rest = { id: null, from: null, mine: false, foreign: false, writtenAt: null, pending: false };
    return { key: `line-${this.#count}`, ...rest, ...parts };
  }

  /** @param {Line} line */
  #append(line) {
    this.#bytes += weight(line);
    const lines = [...this.lines, line];
    while (lines.length > MOST_LINES || (this.#bytes > MOST_BYTES && lines.length > 1)) {
      const [oldest] = lines.splice(0, 1);
      this.#bytes -= oldest ? weight(oldest) : 0;
      this.trimmed = true;
    }
    this.lines = lines;
  }
}

/** @param {Line} line about how much memory it takes, in bytes */
function weight({ content }) {
  return 'bytes' in content ? content.bytes.byteLength : content.text.length * 2;
}

/** @param {number} a @param {number} b */
function sameDay(a, b) {
  return new Date(a).toDateString() === new Date(b).toDateString();
}

/** @param {Line} before @param {Line} line */
function sameGroup(before, line) {
  if (isNotice(before) || isNotice(line)) return false;
  const sameSender =
    before.mine === line.mine && before.foreign === line.foreign &&
    before.from?.id === line.from?.id && before.from?.name === line.from?.name;
  return sameSender && line.at - before.at < GROUP_TIME;
}

/** @param {Line} line */
export function isNotice({ content }) {
  return content.type === 'notice' || content.type === 'gap';
}
