/**
 * What is remembered between visits. A browser may forbid a page to remember anything, and says so by
 * throwing; then it is remembered until the page is closed.
 */

/** @type {Map<string, string>} */
const memory = new Map();

/** @type {Pick<Storage, 'getItem' | 'setItem'>} */
export const storage = {
  getItem(key) {
    try {
      return localStorage.getItem(key);
    } catch {
      return memory.get(key) ?? null;
    }
  },
  setItem(key, value) {
    try {
      localStorage.setItem(key, value);
    } catch {
      memory.set(key, value);
    }
  },
};
