import assert from 'node:assert/strict';
import { describe, test } from 'node:test';

import { GROUP_TIME, MOST_BYTES, MOST_IDS, MOST_LINES, Timeline } from '../timeline.js';

const me = { id: 'me', name: 'Me' };
const ada = { id: 'ada', name: 'Ada' };
const noon = new Date(2026, 4, 1, 12).getTime();

/** @param {string | null} id @param {import('../messages.js').Person | null} [from] @returns {import('../messages.js').Chat} */
const chat = (id, text = String(id), from = ada) => ({ kind: 'chat', id, from, text, at: noon });

/** @param {Timeline} timeline */
const texts = (timeline) => timeline.arranged().map(({ line }) => ('text' in line.content ? line.content.text : line.content.type));

describe('order', () => {
  test('our line waits at the end, and takes its place when it comes back', () => {
    const timeline = new Timeline();
    timeline.addPending('mine', me, { type: 'text', text: 'mine' }, noon);
    assert.equal(timeline.receive(chat('a'), noon), 'added');
    assert.deepEqual(texts(timeline), ['a', 'mine']);
    assert.equal(timeline.receive(chat('mine', 'mine', me), noon + 1), 'confirmed');
    timeline.receive(chat('b'), noon + 2);
    assert.deepEqual(texts(timeline), ['a', 'mine', 'b']);
    assert.deepEqual(timeline.pending, []);
    assert.deepEqual(timeline.lines.map(({ mine, pending }) => [mine, pending]), [[false, false], [true, false], [false, false]]);
  });

  test('a confirmed line keeps its key, so that it is moved and not made anew', () => {
    const timeline = new Timeline();
    timeline.addPending('mine', me, { type: 'text', text: 'mine' }, noon);
    const key = timeline.pending[0]?.key;
    timeline.receive(chat('mine'), noon);
    assert.equal(timeline.lines[0]?.key, key);
  });

  test('a message that comes twice is shown once', () => {
    const timeline = new Timeline();
    assert.equal(timeline.receive(chat('a'), noon), 'added');
    assert.equal(timeline.receive(chat('a'), noon), 'duplicate');
    assert.deepEqual(texts(timeline), ['a']);
  });

  test('our own message that comes twice is shown once', () => {
    const timeline = new Timeline();
    timeline.addPending('mine', me, { type: 'text', text: 'mine' }, noon);
    timeline.receive(chat('mine'), noon);
    assert.equal(timeline.receive(chat('mine'), noon), 'duplicate');
    assert.equal(timeline.lines.length, 1);
  });

  test('messages without an id are all different', () => {
    const timeline = new Timeline();
    timeline.receive({ kind: 'text', id: null, text: 'x' }, noon);
    timeline.receive({ kind: 'text', id: null, text: 'x' }, noon);
    assert.deepEqual(texts(timeline), ['x', 'x']);
  });

  test('nobody becomes us by using our name', () => {
    const timeline = new Timeline();
    timeline.receive(chat('forged', 'I owe you', me), noon);
    assert.equal(timeline.lines[0]?.mine, false);
  });

  test('a discarded line is gone', () => {
    const timeline = new Timeline();
    timeline.addPending('mine', me, { type: 'text', text: 'mine' }, noon);
    timeline.dropPending('mine');
    assert.deepEqual(texts(timeline), []);
  });

  test('strangers are marked as such', () => {
    const timeline = new Timeline();
    timeline.receive({ kind: 'text', id: null, text: 'raw' }, noon);
    timeline.receive({ kind: 'binary', id: null, bytes: Uint8Array.of(1) }, noon);
    assert.deepEqual(timeline.lines.map(({ foreign, from }) => [foreign, from]), [[true, null], [true, null]]);
  });
});

describe('bounds', () => {
  test('the oldest lines go first', () => {
    const timeline = new Timeline();
    for (let i = 0; i < MOST_LINES; i += 1) timeline.receive(chat(`m${i}`), noon);
    assert.equal(timeline.trimmed, false);
    timeline.receive(chat('last'), noon);
    assert.equal(timeline.trimmed, true);
    assert.equal(timeline.lines.length, MOST_LINES);
    assert.deepEqual([texts(timeline)[0], texts(timeline).at(-1)], ['m1', 'last']);
  });

  test('so do lines when all together are too large', () => {
    const timeline = new Timeline();
    const bytes = new Uint8Array(MOST_BYTES / 2);
    for (let i = 0; i < 2; i += 1) timeline.receive({ kind: 'binary', id: null, bytes }, noon);
    assert.equal(timeline.lines.length, 2);
    timeline.receive({ kind: 'binary', id: null, bytes }, noon);
    assert.equal(timeline.lines.length, 2);
    assert.equal(timeline.trimmed, true);
  });

  test('ids are forgotten in the end', () => {
    const timeline = new Timeline();
    assert.equal(timeline.sawBefore('first'), false);
    for (let i = 0; i < MOST_IDS - 1; i += 1) timeline.sawBefore(`m${i}`);
    assert.equal(timeline.sawBefore('first'), true);
    timeline.sawBefore('one more');
    assert.equal(timeline.sawBefore('first'), false);
  });
});

describe('arrangement', () => {
  /** @param {Timeline} timeline */
  const headings = (timeline) => timeline.arranged().map(({ heading }) => heading);

  test('lines of one person share a heading for a while', () => {
    const timeline = new Timeline();
    timeline.receive(chat('a'), noon);
    timeline.receive(chat('b'), noon + GROUP_TIME - 1);
    timeline.receive(chat('c'), noon + 2 * GROUP_TIME);
    timeline.receive(chat('d', 'd', { id: 'bob', name: 'Bob' }), noon + 2 * GROUP_TIME);
    assert.deepEqual(headings(timeline), [true, false, true, true]);
  });

  test('a notice parts a group, and so does a new name', () => {
    const timeline = new Timeline();
    timeline.receive(chat('a'), noon);
    timeline.addNotice('Bob joined', noon);
    timeline.receive(chat('b'), noon);
    timeline.receive(chat('c', 'c', { ...ada, name: 'Countess' }), noon);
    assert.deepEqual(headings(timeline), [true, true, true, true]);
  });

  test('a new day is announced, the first one is not', () => {
    const timeline = new Timeline();
    timeline.receive(chat('a'), noon);
    timeline.receive(chat('b'), noon + 24 * 3_600_000);
    timeline.receive(chat('c'), noon + 24 * 3_600_000 + 1);
    assert.deepEqual(timeline.arranged().map(({ newDay }) => newDay), [false, true, false]);
  });
});
