/**
 * Copies a text, and says so.
 */

import { find } from './dom.js';

/** How long a word of success stays, in milliseconds. */
const TOAST_TIME = 2_400;

/** @type {ReturnType<typeof setTimeout> | undefined} */
let toastTimer;

/**
 * Says something in passing.
 * @param {string} words
 */
export function toast(words) {
  const element = find('toast', HTMLElement);
  element.textContent = words;
  element.classList.add('shown');
  clearTimeout(toastTimer);
  toastTimer = setTimeout(() => element.classList.remove('shown'), TOAST_TIME);
}

/**
 * @param {string} text
 * @param {string} done what to say when it worked
 */
export async function copy(text, done) {
  toast((await write(text)) ? done : `Copy it by hand: ${text}`);
}

/** @param {string} text @returns {Promise<boolean>} */
async function write(text) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    // No clipboard for a page that came by plain HTTP from another machine: the old way still works there.
    return writeOldWay(text);
  }
}

/** @param {string} text @returns {boolean} */
function writeOldWay(text) {
  const before = document.activeElement;
  const area = document.createElement('textarea');
  area.value = text;
  area.className = 'hidden';
  document.body.append(area);
  area.select();
  const worked = document.execCommand('copy');
  area.remove();
  if (before instanceof HTMLElement) before.focus();
  return worked;
}
