import assert from 'node:assert/strict';
import { describe, test } from 'node:test';

import { channelUrl, cleanRoomName, forgetRoom, loadRooms, LOBBY, pathOfRoom, REMEMBERED, rememberRoom, ROOM_LENGTH, roomOfPath } from '../rooms.js';

function memory(/** @type {string | null} */ kept = null) {
  return {
    getItem: () => kept,
    setItem: (/** @type {string} */ _key, /** @type {string} */ value) => void (kept = value),
  };
}

describe('names', () => {
  test('what a person types becomes a name', () => {
    assert.equal(cleanRoomName('  Harbour Works '), 'harbour-works');
    assert.equal(cleanRoomName('Zoë/../x?y#z'), 'zoë..xyz');
    assert.equal(cleanRoomName('../..'), '');
    assert.equal(cleanRoomName('!?'), '');
    assert.equal(cleanRoomName('x'.repeat(200)).length, ROOM_LENGTH);
  });

  test('an address of a room is understood', () => {
    assert.equal(cleanRoomName('http://127.0.0.1:8080/rooms/tea%20time'), 'tea-time');
    assert.equal(cleanRoomName('ws://127.0.0.1:8080/channels/tea?x=1'), 'tea');
    assert.equal(cleanRoomName('/rooms/%E0%A4%A'), 'E0A4A');
  });

  test('an address is taken at its word: channels tell A from a', () => {
    assert.equal(cleanRoomName('ws://127.0.0.1:8080/channels/Room:42'), 'Room:42');
    assert.equal(cleanRoomName('Room:42'), 'room:42');
    assert.equal(roomOfPath('/rooms/Room%3A42'), 'Room:42');
  });
});

describe('addresses', () => {
  test('a room and its path belong together', () => {
    for (const room of [LOBBY, 'tea', 'zoë', '日本']) assert.equal(roomOfPath(pathOfRoom(room)), room);
    assert.equal(pathOfRoom(LOBBY), '/');
    assert.equal(pathOfRoom('zoë'), '/rooms/zo%C3%AB');
  });

  test('any other path is the lobby', () => {
    for (const path of ['/', '/rooms/', '/rooms//x', '/rooms/%21', '/elsewhere']) assert.equal(roomOfPath(path), LOBBY);
  });

  test('a channel is on the server that the page came from, as securely', () => {
    assert.equal(channelUrl({ protocol: 'http:', host: '127.0.0.1:8080' }, 'tea'), 'ws://127.0.0.1:8080/channels/tea');
    assert.equal(channelUrl({ protocol: 'https:', host: 'x.org' }, 'zoë'), 'wss://x.org/channels/zo%C3%AB');
  });
});

describe('the list', () => {
  test('new rooms come first, known ones keep their place', () => {
    const storage = memory();
    for (const room of ['a', 'b', 'a', 'c']) rememberRoom(storage, room);
    assert.deepEqual(loadRooms(storage), ['c', 'b', 'a']);
    assert.deepEqual(forgetRoom(storage, 'b'), ['c', 'a']);
  });

  test('it is bounded', () => {
    const storage = memory();
    for (let i = 0; i < REMEMBERED + 3; i += 1) rememberRoom(storage, `r${i}`);
    assert.equal(loadRooms(storage).length, REMEMBERED);
    assert.equal(loadRooms(storage)[0], `r${REMEMBERED + 2}`);
  });

  test('what was kept may be anything', () => {
    for (const kept of ['', '{', '7', 'null', '{"a":1}']) assert.deepEqual(loadRooms(memory(kept)), []);
    assert.deepEqual(loadRooms(memory('["A",7,"a","a","!"]')), ['A', 'a']);
  });
});
