import assert from 'node:assert/strict';
import { describe, test } from 'node:test';

import { CONFIRM_TIMEOUT } from '../connection.js';
import { decode, encodePresence } from '../messages.js';
import { ANSWER_TIME } from '../people.js';
import { Room } from '../room.js';

/** A WebSocket whose other end is the test. */
class FakeSocket {
  /** @type {(string | Uint8Array)[]} */ sent = [];
  closed = false;
  binaryType = 'blob';
  /** @type {any} */ onopen;
  /** @type {any} */ onclose;
  /** @type {any} */ onmessage;

  /** @param {string | Uint8Array} data */
  send(data) {
    this.sent.push(data);
  }

  close() {
    this.closed = true;
  }

  /** Delivers what was sent back to its sender, as the server does. */
  echo() {
    const sent = this.sent;
    this.sent = [];
    for (const data of sent) this.onmessage({ data: typeof data === 'string' ? data : Uint8Array.from(data).buffer });
    return sent.map((data) => (typeof data === 'string' ? JSON.parse(data) : data));
  }
}

/** A world whose time goes on when the test says so. */
class FakeWorld {
  time = 0;
  online = true;
  /** @type {FakeSocket[]} */ sockets = [];
  /** @type {Map<number, { at: number, run: () => void }>} */ timers = new Map();
  #next = 1;

  open = () => {
    this.sockets.push(new FakeSocket());
    return /** @type {any} */ (this.socket);
  };
  now = () => this.time;
  random = () => 0.5;
  isOnline = () => this.online;
  setTimer = (/** @type {() => void} */ run, /** @type {number} */ delay) => {
    this.timers.set(this.#next, { at: this.time + delay, run });
    return this.#next++;
  };
  clearTimer = (/** @type {number} */ timer) => void this.timers.delete(timer);

  get socket() {
    const socket = this.sockets.at(-1);
    assert.ok(socket, 'no socket was opened');
    return socket;
  }

  /** @param {number} milliseconds */
  pass(milliseconds) {
    const end = this.time + milliseconds;
    for (;;) {
      const [id, next] = [...this.timers].sort(([, a], [, b]) => a.at - b.at)[0] ?? [];
      if (id === undefined || next === undefined || next.at > end) break;
      this.timers.delete(id);
      this.time = next.at;
      next.run();
    }
    this.time = end;
  }
}

const me = { id: 'me', name: 'Me' };
const ada = { id: 'ada', name: 'Ada' };

function enter() {
  const world = new FakeWorld();
  const room = new Room({ name: 'tea', address: 'ws://h/channels/tea', me: () => me, onChange: () => {}, world, wallClock: () => world.time });
  room.join();
  return { world, room };
}

function entered() {
  const { world, room } = enter();
  world.socket.onopen();
  world.socket.echo();
  return { world, room };
}

/** @param {Room} room */
const texts = (room) => room.timeline.arranged().map(({ line }) => ('text' in line.content ? line.content.text : line.content.type));

/** @param {FakeWorld} world @param {string} data */
const deliver = (world, data) => world.socket.onmessage({ data });

/** @param {'hello' | 'here' | 'bye'} kind */
const presence = (kind, from = ada) => encodePresence(kind, { id: `${kind}-${Math.random()}`, from });

describe('coming and going', () => {
  test('whoever enters says hello first', () => {
    const { world, room } = enter();
    world.socket.onopen();
    assert.deepEqual(world.socket.echo().map(({ type, from }) => [type, from]), [['hello', me]]);
    assert.deepEqual(texts(room), ['You joined tea. What was said before is not shown.']);
    assert.deepEqual(room.connection.outbox, []);
  });

  test('a hello is answered, and its sender is here', () => {
    const { world, room } = entered();
    deliver(world, presence('hello'));
    assert.deepEqual(room.people, [ada]);
    assert.equal(texts(room).at(-1), 'Ada joined');
    assert.deepEqual(world.socket.echo().map(({ type }) => type), ['here']);
  });

  test('a page that is loaded anew neither left nor joined', () => {
    const { world, room } = entered();
    deliver(world, presence('hello'));
    deliver(world, presence('bye'));
    assert.deepEqual(room.people, []);
    deliver(world, presence('hello', { id: 'ada again', name: 'Ada' }));
    world.socket.echo();
    world.pass(60_000);
    assert.deepEqual(texts(room).slice(1), ['Ada joined']);
  });

  test('who really goes is said to have left', () => {
    const { world, room } = entered();
    deliver(world, presence('hello'));
    deliver(world, presence('bye'));
    world.socket.echo();
    world.pass(60_000);
    assert.deepEqual(texts(room).slice(1), ['Ada joined', 'Ada left']);
  });

  test('nobody says for us that we came or went', () => {
    const { world, room } = entered();
    deliver(world, presence('hello', me));
    deliver(world, presence('bye', me));
    world.pass(60_000);
    assert.deepEqual(texts(room).length, 1);
    assert.deepEqual(world.socket.sent, []);
  });

  test('a new name is told', () => {
    const { world, room } = entered();
    deliver(world, presence('here'));
    deliver(world, presence('hello', { ...ada, name: 'Countess' }));
    assert.equal(texts(room).at(-1), 'Ada is now Countess');
  });

  test('who does not answer a roll call is no longer listed', () => {
    const { world, room } = entered();
    deliver(world, presence('here'));
    world.pass(10);
    deliver(world, presence('hello', { id: 'bob', name: 'Bob' }));
    world.socket.echo();
    world.pass(ANSWER_TIME);
    assert.deepEqual(room.people.map(({ name }) => name), ['Bob']);
  });

  test('without a connection nobody is known to be here', () => {
    const { world, room } = entered();
    deliver(world, presence('here'));
    world.socket.onclose({ code: 1006, reason: '' });
    assert.deepEqual(room.people, []);
  });

  test('whoever leaves says bye, and is gone', () => {
    const { world, room } = entered();
    room.leave();
    assert.equal(JSON.parse(String(world.socket.sent[0])).type, 'bye');
    assert.ok(world.sockets[0]?.closed);
    assert.equal(world.timers.size, 0);
  });
});

describe('talking', () => {
  test('our message is shown at once, and confirmed when it returns', () => {
    const { world, room } = entered();
    assert.ok(room.say('hi'));
    assert.equal(room.timeline.pending.length, 1);
    world.socket.echo();
    assert.equal(room.timeline.pending.length, 0);
    assert.deepEqual(room.connection.outbox, []);
    assert.equal(room.unread, 0);
  });

  test('others count as unread, strangers too', () => {
    const { world, room } = entered();
    deliver(world, 'plain words');
    world.socket.onmessage({ data: Uint8Array.of(1, 2, 3).buffer });
    assert.equal(room.unread, 2);
    assert.deepEqual(texts(room).slice(1), ['plain words', 'binary']);
  });

  test('what was published before the connection broke is not shown twice', () => {
    const { world, room } = entered();
    room.say('once');
    const [sent] = world.socket.sent;
    world.socket.echo();
    world.socket.onclose({ code: 1006, reason: '' });
    world.pass(1_000);
    world.socket.onopen();
    deliver(world, String(sent));
    assert.equal(texts(room).filter((text) => text === 'once').length, 1);
  });

  test('what was not confirmed is sent again under the same id', () => {
    const { world, room } = entered();
    room.say('again');
    const first = decode(String(world.socket.sent[0]));
    world.socket.onclose({ code: 1001, reason: '' });
    assert.equal(room.waiting, 1);
    world.pass(1_000);
    world.socket.onopen();
    const second = decode(String(world.socket.sent[0]));
    assert.deepEqual(second, first);
    world.socket.echo();
    assert.equal(room.waiting, 0);
    assert.equal(texts(room).filter((text) => text === 'again').length, 1);
  });

  test('a picture goes as binary, and comes back as ours', () => {
    const { world, room } = entered();
    room.show({ bytes: Uint8Array.of(1, 2), info: { mime: 'image/png', name: 'p.png', width: 1, height: 1 } });
    assert.ok(world.socket.sent[0] instanceof Uint8Array);
    world.socket.echo();
    assert.deepEqual(room.timeline.lines.at(-1)?.content.type, 'picture');
    assert.equal(room.timeline.lines.at(-1)?.mine, true);
  });

  test('a full outbox refuses, and shows nothing that it does not keep', () => {
    const { room } = enter();
    let taken = 0;
    while (room.say('x')) taken += 1;
    assert.equal(room.timeline.pending.length, taken);
  });

  test('a discarded message is neither shown nor sent', () => {
    const { world, room } = enter();
    room.say('no');
    room.discard(String(room.timeline.pending[0]?.id));
    world.socket.onopen();
    assert.deepEqual(world.socket.echo().map(({ type }) => type), ['hello']);
    assert.deepEqual(room.timeline.pending, []);
  });
});

describe('losing the connection', () => {
  test('the log says when it was lost, why, and that something may be missing', () => {
    const { world, room } = entered();
    world.socket.onclose({ code: 1012, reason: '' });
    world.pass(250);
    world.pass(4_000);
    world.socket.onopen();
    assert.deepEqual(texts(room).slice(1), [
      'Connection lost. The server is restarting (1012).',
      'Connected again after 4 seconds. What was said meanwhile did not reach you.',
    ]);
  });

  test('a server that takes messages and returns none is found out', () => {
    const { world, room } = entered();
    const [first] = world.sockets;
    room.say('hello?');
    world.pass(CONFIRM_TIMEOUT + 100);
    assert.ok(first?.closed);
    assert.match(texts(room).join(), /The server stopped answering/);
    first.onmessage({ data: 'too late' });
    assert.doesNotMatch(texts(room).join(), /too late/);
  });

  test('a network that is back is used at once; a long silence is looked into', () => {
    const { world, room } = entered();
    world.pass(120_000);
    room.networkChanged(true);
    assert.deepEqual(world.socket.echo().map(({ type }) => type), ['here']);
    world.socket.onclose({ code: 1006, reason: '' });
    room.networkChanged(true);
    assert.equal(world.sockets.length, 2);
  });
});
