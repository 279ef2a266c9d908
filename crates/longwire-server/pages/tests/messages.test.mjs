import assert from 'node:assert/strict';
import { describe, test } from 'node:test';

import { decode, encodeChat, encodePicture, encodePresence, freshId, isPresence, MAX_INFO } from '../messages.js';

const ada = { id: 'p1', name: 'Ada' };

/** @param {Uint8Array} bytes as a WebSocket hands them over */
const received = (bytes) => Uint8Array.from(bytes).buffer;

/** @param {unknown} info @param {Uint8Array} [rest] @param {number} [length] */
function binary(info, rest = new Uint8Array(), length) {
  const json = new TextEncoder().encode(typeof info === 'string' ? info : JSON.stringify(info));
  const head = new Uint8Array(8);
  head.set(new TextEncoder().encode('LWP1'));
  new DataView(head.buffer).setUint32(4, length ?? json.length);
  return received(Uint8Array.of(...head, ...json, ...rest));
}

describe('text', () => {
  test('a chat message survives the way there and back', () => {
    const sent = { id: 'm1', from: ada, text: 'héllo 👋\n"you"', at: 1_700_000_000_000 };
    assert.deepEqual(decode(encodeChat(sent)), { kind: 'chat', ...sent });
  });

  test('so does word of who is here', () => {
    for (const kind of /** @type {const} */ (['hello', 'here', 'bye'])) {
      const message = decode(encodePresence(kind, { id: 'm2', from: ada }));
      assert.deepEqual(message, { kind, id: 'm2', from: ada });
      assert.ok(isPresence(message));
    }
  });

  test('what is not of this format is shown as it is', () => {
    for (const text of ['', 'hi', '42', 'null', '[]', '{"a":1}', '{"type":"chat"}', '{"type":"chat","text":7}', '{"type":"hello"}', '{"type":"weather","from":{"name":"x"}}']) {
      assert.deepEqual(decode(text), { kind: 'text', id: null, text });
    }
  });

  test('a program that says only what it must is understood', () => {
    const message = decode('{"type":"chat","text":"beep","from":{"name":"Bot"}}');
    assert.deepEqual(message, { kind: 'chat', id: null, from: { id: 'name:Bot', name: 'Bot' }, text: 'beep', at: null });
  });

  test('fields that are not what they should be are left out', () => {
    const hostile = { type: 'chat', text: 'x', id: 'i'.repeat(65), at: 1e300, from: { id: 7, name: { toString: 'no' } } };
    assert.deepEqual(decode(JSON.stringify(hostile)), { kind: 'chat', id: null, from: null, text: 'x', at: null });
  });

  test('a name is cleaned on the way in', () => {
    const message = decode(encodeChat({ id: 'm', from: { id: 'p', name: ' \u202Eeve\n\u0007 ' }, text: 'x', at: 0 }));
    assert.equal('from' in message && message.from?.name, 'eve');
  });
});

describe('pictures', () => {
  const info = { mime: 'image/png', name: 'cat.png', width: 3, height: 2 };

  test('a picture survives the way there and back', () => {
    const bytes = Uint8Array.of(0, 1, 2, 253, 254, 255);
    const message = decode(received(encodePicture({ id: 'm', from: ada, at: 5, bytes, ...info })));
    assert.deepEqual(message, { kind: 'picture', id: 'm', from: ada, at: 5, ...info, bytes });
  });

  test('the layout is as documented', () => {
    const message = encodePicture({ id: 'm', from: ada, at: 5, bytes: Uint8Array.of(9), ...info });
    assert.deepEqual([...message.subarray(0, 4)], [...Buffer.from('LWP1')]);
    const length = new DataView(message.buffer).getUint32(4);
    assert.equal(message.length, 8 + length + 1);
    assert.equal(JSON.parse(new TextDecoder().decode(message.subarray(8, 8 + length))).type, 'picture');
    assert.equal(message.at(-1), 9);
  });

  test('a name as long as one likes does not break the bound', () => {
    const message = encodePicture({ id: 'm', from: ada, at: 5, bytes: new Uint8Array(1), ...info, name: '🐈'.repeat(5000) });
    assert.equal(decode(received(message)).kind, 'picture');
  });

  test('any other bytes are a binary message', () => {
    const others = [
      received(new Uint8Array()),
      received(Uint8Array.of(0x4c, 0x57, 0x50, 0x31)),
      binary({ ...info, type: 'picture' }, new Uint8Array(), 5000),
      binary({ ...info, type: 'picture', mime: 'image/svg+xml' }),
      binary({ ...info, type: 'picture', mime: 'text/html' }),
      binary({ ...info, type: 'film' }),
      binary('{"type":"picture"'),
      binary({ ...info, type: 'picture', padding: 'x'.repeat(MAX_INFO) }),
      binary('', Uint8Array.of(0xff, 0xfe)),
    ];
    for (const data of others) {
      assert.deepEqual(decode(data), { kind: 'binary', id: null, bytes: new Uint8Array(data) });
    }
  });

  test('sides that cannot be are unknown', () => {
    const message = decode(binary({ ...info, type: 'picture', width: -1, height: 1e9 }));
    assert.deepEqual(message.kind === 'picture' && [message.width, message.height], [0, 0]);
  });
});

test('ids differ', () => {
  assert.match(freshId(), /^[0-9a-f]{24}$/);
  assert.notEqual(freshId(), freshId());
});
