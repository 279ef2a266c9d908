/**
 * The connection's state in a person's words: no more cheerful, and no more certain, than it is.
 */

import { explainClose } from './close-codes.js';

/**
 * @typedef {import('./connection.js').State} State
 * @typedef {import('./connection.js').Why} Why
 * @typedef {'connecting' | 'open' | 'waiting' | 'offline' | 'stopped'} Look
 *
 * `label` is short, `detail` a sentence for when something is wrong, `action` what a person can do about it.
 * @typedef {{ look: Look, label: string, detail: string, action: string }} Account
 */

/**
 * Why a connection was lost or did not come about; one sentence without its full stop.
 * @param {Why} why
 */
export function explainLoss(why) {
  switch (why.kind) {
    case 'no-answer':
      return 'The server did not answer in time';
    case 'unconfirmed':
      return 'The server stopped answering';
    case 'closed':
      // A page is not told why a handshake failed, so neither can we tell a person.
      return why.opened ? explainClose(why.code, why.reason) : 'The server could not be reached';
  }
}

/**
 * @param {State} state
 * @param {number} now on the connection's clock
 * @returns {Account}
 */
export function explain({ link, online, failures }, now) {
  switch (link.phase) {
    case 'idle':
    case 'connecting':
      return {
        look: 'connecting',
        label: 'Connecting…',
        detail: failures > 0 ? 'Trying to connect again…' : '',
        action: '',
      };
    case 'open':
      return online
        ? { look: 'open', label: 'Connected', detail: '', action: '' }
        : { look: 'open', label: 'Connected', detail: 'This device says it has no network. The connection has not broken so far.', action: '' };
    case 'waiting': {
      const detail = `${explainLoss(link.why)}. Next try ${countdown(link.retryAt - now)}.`;
      return online
        ? { look: 'waiting', label: 'Connection lost', detail, action: 'Try now' }
        : { look: 'offline', label: 'Offline', detail: `This device says it has no network. Next try when it is back, or ${countdown(link.retryAt - now)}.`, action: 'Try now' };
    }
    case 'stopped':
      return {
        look: 'stopped',
        label: 'Disconnected',
        detail: `${explainLoss(link.why)}. Trying again by itself would not help.`,
        action: 'Try again',
      };
    case 'left':
      return { look: 'stopped', label: 'Left', detail: '', action: '' };
  }
}

/** @param {number} milliseconds */
function countdown(milliseconds) {
  const seconds = Math.ceil(milliseconds / 1000);
  return seconds <= 0 ? 'now' : `in ${seconds} s`;
}
