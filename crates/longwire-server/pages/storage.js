/**
 * What is remembered between visits, and what for this window alone. A browser may forbid a page to remember
 * anything, and says so by throwing; then it is remembered until the page is closed.
 */

/** @type {Pick<Storage, 'getItem' | 'setItem'>} */
export const forBrowser = guarded(() => localStorage);

/** @type {Pick<Storage, 'getItem' | 'setItem'>} */
export const forWindow = guarded(() => sessionStorage);

/** @param {() => Storage} open @returns {Pick<Storage, 'getItem' | 'setItem'>} */
function guarded(open) {
  /** @type {Map<string, string>} */
  const memory = new Map();
  return {
    getItem(key) {
      try {
        return memory.get(key) ?? open().getItem(key);
      } catch {
        return null;
      }
    },
    setItem(key, value) {
      try {
        open().setItem(key, value);
      } catch {
        memory.set(key, value);
      }
    },
  };
}
