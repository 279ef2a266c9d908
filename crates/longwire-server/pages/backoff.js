/**
 * How long to wait before the next try to connect.
 *
 * Full jitter: the wait is anywhere between nothing and a window that doubles with every failure. When a
 * server restarts, all its clients lose their connection in the same instant; without jitter they would come
 * back in the same instant too, again and again.
 */

/** The window after the first failure, in milliseconds. */
export const FIRST_WINDOW = 500;

/** The widest the window gets, in milliseconds. */
export const WIDEST_WINDOW = 20_000;

/**
 * @param {number} failures how many tries in a row have failed before this one; 0 for the first retry
 * @param {number} random a number in [0, 1)
 * @returns {number} milliseconds to wait
 */
export function fullJitter(failures, random) {
  return random * Math.min(WIDEST_WINDOW, FIRST_WINDOW * 2 ** failures);
}
