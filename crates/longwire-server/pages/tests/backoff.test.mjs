import assert from 'node:assert/strict';
import { test } from 'node:test';

import { FIRST_WINDOW, fullJitter, WIDEST_WINDOW } from '../backoff.js';

test('the window doubles with every failure', () => {
  const windows = [0, 1, 2, 3].map((failures) => fullJitter(failures, 1));
  assert.deepEqual(windows, [FIRST_WINDOW, FIRST_WINDOW * 2, FIRST_WINDOW * 4, FIRST_WINDOW * 8]);
});

test('the window stops growing', () => {
  assert.equal(fullJitter(6, 1), WIDEST_WINDOW);
  assert.equal(fullJitter(5000, 1), WIDEST_WINDOW);
});

test('the wait is anywhere in the window', () => {
  assert.equal(fullJitter(3, 0), 0);
  assert.equal(fullJitter(3, 0.25), FIRST_WINDOW * 2);
});
