import assert from 'node:assert/strict';
import { test } from 'node:test';

import { explainClose, retryAfter } from '../close-codes.js';

test('a code is told in words, with its number and the reason', () => {
  assert.equal(explainClose(1001, 'drain'), 'The server is going away (1001): “drain”');
  assert.equal(explainClose(1009, ''), 'A message was too big for the server (1009)');
});

test('codes that are never on the wire show no number', () => {
  assert.equal(explainClose(1006, ''), 'The connection broke off');
  assert.equal(explainClose(1005, ''), 'The server closed without saying why');
});

test('an unknown code is not explained away', () => {
  assert.equal(explainClose(4321, ' nap time '), 'The server closed the connection (4321): “nap time”');
});

test('whether to come back depends on the code', () => {
  const of = (/** @type {number[]} */ ...codes) => codes.map(retryAfter);
  assert.deepEqual(of(1001, 1006, 1009, 1011, 1012, 4000), Array(6).fill('soon'));
  assert.deepEqual(of(1013), ['later']);
  assert.deepEqual(of(1000, 1003, 1007, 1008, 3000, 3003), Array(6).fill('never'));
});
