import assert from 'node:assert/strict';
import { test } from 'node:test';

import { initialState } from '../connection.js';
import { explain, explainLoss } from '../explain.js';

const base = initialState(true);
/** @type {import('../connection.js').Why} */
const broke = { kind: 'closed', code: 1006, reason: '', opened: true };

test('connected is said only while connected', () => {
  const links = /** @type {import('../connection.js').Link[]} */ ([
    { phase: 'idle' },
    { phase: 'connecting', generation: 1, giveUpAt: 5 },
    { phase: 'waiting', retryAt: 5, why: broke },
    { phase: 'stopped', why: broke },
    { phase: 'left' },
  ]);
  for (const link of links) {
    const { look, label } = explain({ ...base, link }, 0);
    assert.notEqual(look, 'open');
    assert.notEqual(label, 'Connected');
  }
  const link = /** @type {const} */ ({ phase: 'open', generation: 1, openedAt: 0, heardAt: 0, deadline: null });
  assert.deepEqual(explain({ ...base, link }, 0), { look: 'open', label: 'Connected', detail: '', action: '' });
  assert.match(explain({ ...base, online: false, link }, 0).detail, /no network/);
});

test('a lost connection says why and when, and offers to try', () => {
  const link = /** @type {const} */ ({ phase: 'waiting', retryAt: 4_200, why: broke });
  assert.deepEqual(explain({ ...base, link }, 1_000), {
    look: 'waiting',
    label: 'Connection lost',
    detail: 'The connection broke off. Next try in 4 s.',
    action: 'Try now',
  });
  assert.match(explain({ ...base, link }, 9_000).detail, /Next try now\./);
  assert.equal(explain({ ...base, online: false, link }, 0).look, 'offline');
});

test('a failed handshake is not explained by guessing', () => {
  assert.equal(explainLoss({ ...broke, opened: false }), 'The server could not be reached');
});
