import assert from 'node:assert/strict';
import { test } from 'node:test';

import { cleanName, hueOf, initialOf, inventName, loadName, NAME_LENGTH, saveName } from '../names.js';

function memory() {
  /** @type {Map<string, string>} */
  const kept = new Map();
  return {
    getItem: (/** @type {string} */ key) => kept.get(key) ?? null,
    setItem: (/** @type {string} */ key, /** @type {string} */ value) => void kept.set(key, value),
  };
}

test('a name is one line without tricks', () => {
  assert.equal(cleanName('  Ada \n\t Lovelace '), 'Ada Lovelace');
  assert.equal(cleanName('\u202Enimda\u2066\u200B'), 'nimda');
  assert.equal(cleanName('👩‍🚀 Zoë'), '👩‍🚀 Zoë');
  assert.equal(cleanName('\uD800'), '');
  assert.equal(cleanName('   '), '');
  assert.equal(cleanName(7), '');
});

test('a name is bounded, in characters and in what makes them', () => {
  assert.equal(cleanName('x'.repeat(1000)), 'x'.repeat(NAME_LENGTH));
  assert.ok(Array.from(cleanName(`a${'\u0301'.repeat(1000)}`)).length <= NAME_LENGTH * 2);
});

test('a colour belongs to a name, and names spread over the colours', () => {
  assert.equal(hueOf('Ada'), hueOf('Ada'));
  const hues = Array.from({ length: 360 }, (_, i) => hueOf(`person ${i}`));
  assert.ok(hues.every((hue) => Number.isInteger(hue) && hue >= 0 && hue < 360));
  const sectors = new Set(hues.map((hue) => Math.floor(hue / 30)));
  assert.equal(sectors.size, 12);
});

test('the initial is a whole character', () => {
  assert.deepEqual(['ada', 'éric', '👩‍🚀 Zoë', ''].map(initialOf), ['A', 'É', '👩‍🚀', '?']);
});

test('an invented name is kept for its window, a chosen one for all', () => {
  const [browser, one, other] = [memory(), memory(), memory()];
  const name = loadName(browser, one, () => 0.5);
  assert.equal(name, inventName(() => 0.5));
  assert.equal(loadName(browser, one, () => 0.99), name);
  assert.notEqual(loadName(browser, other, () => 0.99), name);
  saveName(browser, 'Ada');
  assert.equal(loadName(browser, one, () => 0.99), 'Ada');
  assert.equal(loadName(browser, memory(), () => 0.99), 'Ada');
});
