import assert from 'node:assert/strict';
import { describe, test } from 'node:test';

import { isFewEmoji, pieces } from '../text.js';

/** @param {string} text */
const links = (text) => pieces(text).flatMap((piece) => (piece.kind === 'link' ? [piece.text] : []));

describe('links', () => {
  test('the pieces joined are the text', () => {
    for (const text of ['', 'plain', 'a https://x.org/y b', 'https://x.org', '(see https://x.org/a_(b).)\nwww.y.net!']) {
      assert.equal(pieces(text).map((piece) => piece.text).join(''), text);
    }
  });

  test('addresses are found where people write them', () => {
    assert.deepEqual(links('see https://x.org/a?b=c#d, or www.y.net.'), ['https://x.org/a?b=c#d', 'www.y.net']);
    assert.deepEqual(links('(https://x.org/wiki/A_(b))'), ['https://x.org/wiki/A_(b)']);
    assert.deepEqual(links('“https://x.org”'), ['https://x.org']);
    assert.deepEqual(links('http://[::1]:8080/ http://127.0.0.1:8080/rooms/a'), ['http://[::1]:8080/', 'http://127.0.0.1:8080/rooms/a']);
  });

  test('an address without a scheme gets the safe one', () => {
    assert.deepEqual(pieces('www.y.net'), [{ kind: 'link', text: 'www.y.net', href: 'https://www.y.net/' }]);
  });

  test('nothing but the web is linked', () => {
    const others = 'javascript:alert(1) data:text/html,x file:///etc/passwd ws://x.org vbscript:x mailto:a@b.c https:// http://. x.org';
    assert.deepEqual(links(others), []);
  });

  test('an address without end is not linked', () => {
    const long = `https://x.org/${'a'.repeat(1_900)}`;
    assert.deepEqual(links(`${long} b`), [long]);
    assert.deepEqual(links(`${long}${'a'.repeat(200)} b`), []);
  });

  test('markup stays text', () => {
    assert.deepEqual(pieces('<img src=x onerror=alert(1)>'), [{ kind: 'plain', text: '<img src=x onerror=alert(1)>' }]);
    assert.deepEqual(links('https://x.org/"onmouseover="alert(1)'), ['https://x.org/']);
  });

  test('a megabyte of almost-links is read in no time', () => {
    const started = performance.now();
    for (const text of ['https://'.repeat(130_000), `https://x.org/${')'.repeat(1_000_000)}`, 'www.'.repeat(250_000)]) pieces(text);
    assert.ok(performance.now() - started < 2_000);
  });
});

test('a few emoji and nothing else are recognised', () => {
  for (const text of ['👋', ' 🎉🚀 ', '❤️', '👩‍👩‍👧 🇫🇷', '👍🏽']) assert.ok(isFewEmoji(text), text);
  for (const text of ['', 'a', '👋 hi', '12', '#', '🙂🙂🙂🙂', '© 2026']) assert.ok(!isFewEmoji(text), text);
});
