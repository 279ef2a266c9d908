import assert from 'node:assert/strict';
import { describe, test } from 'node:test';

import { FIRST_WINDOW, WIDEST_WINDOW } from '../backoff.js';
import {
  BUSY_PAUSE,
  CONFIRM_TIMEOUT,
  findOutgoing,
  hasRoom,
  initialState,
  MAX_TRIES,
  nextTimeout,
  OPENING_TIMEOUT,
  OUTBOX_BYTES,
  OUTBOX_COUNT,
  OVERSLEPT,
  PROVEN_UPTIME,
  reduce,
  REPRIEVE,
  SLOWEST_UPLINK,
} from '../connection.js';

/** A connection under a clock and a die of the test's own. */
class Script {
  now = 1_000;
  random = 0.5;
  /** @type {import('../connection.js').Effect[]} */ effects = [];

  constructor({ online = true } = {}) {
    this.state = initialState(online);
  }

  /** @param {import('../connection.js').Happening} happening */
  on(happening) {
    const step = reduce(this.state, { ...happening, now: this.now, random: this.random });
    this.state = step.state;
    this.effects = step.effects;
    return this;
  }

  /** @param {number} milliseconds */
  pass(milliseconds) {
    this.now += milliseconds;
    return this;
  }

  /** Lets time pass until the timer is due, and a little more if asked. */
  tick(late = 0) {
    const due = nextTimeout(this.state);
    assert.notEqual(due, null, 'no timer is set');
    this.now = Number(due) + late;
    return this.on({ type: 'tick' });
  }

  open() {
    if (this.state.link.phase === 'idle') this.on({ type: 'start' });
    return this.on({ type: 'opened', generation: this.state.generation });
  }

  lose(code = 1006, reason = '') {
    return this.on({ type: 'closed', generation: this.state.generation, code, reason });
  }

  /** @param {string} id */
  send(id, payload = id, ephemeral = false) {
    return this.on({ type: 'send', id, payload, ephemeral });
  }

  get phase() {
    return this.state.link.phase;
  }

  get sent() {
    return this.effects.flatMap((effect) => (effect.type === 'send' ? [effect.payload] : []));
  }

  /** @param {string} id */
  stage(id) {
    return findOutgoing(this.state, id)?.stage ?? null;
  }

  /** How long until the next try, in milliseconds. */
  get wait() {
    return Number(nextTimeout(this.state)) - this.now;
  }
}

describe('connecting', () => {
  test('a start opens one socket, and only one', () => {
    const script = new Script().on({ type: 'start' });
    assert.deepEqual(script.effects, [{ type: 'connect', generation: 1 }]);
    assert.deepEqual(script.on({ type: 'start' }).effects, []);
    assert.deepEqual(script.on({ type: 'retry' }).effects, []);
  });

  test('a handshake that takes too long is given up', () => {
    const script = new Script().on({ type: 'start' });
    assert.equal(script.wait, OPENING_TIMEOUT);
    script.tick();
    assert.equal(script.phase, 'waiting');
    assert.deepEqual(script.state.link.why, { kind: 'no-answer' });
    assert.deepEqual(script.effects, [{ type: 'drop' }]);
  });

  test('a tick before its time does nothing', () => {
    const script = new Script().on({ type: 'start' }).pass(OPENING_TIMEOUT - 1).on({ type: 'tick' });
    assert.equal(script.phase, 'connecting');
  });

  test('late events of an abandoned socket are ignored', () => {
    const script = new Script().on({ type: 'start' }).tick().on({ type: 'retry' });
    script.on({ type: 'opened', generation: 1 });
    assert.equal(script.phase, 'connecting');
    script.on({ type: 'closed', generation: 1, code: 1006, reason: '' });
    assert.equal(script.phase, 'connecting');
    script.on({ type: 'opened', generation: 2 });
    assert.equal(script.phase, 'open');
    const before = script.pass(500).state;
    assert.equal(script.on({ type: 'received', generation: 1 }).state, before);
  });
});

describe('coming back', () => {
  test('waits longer after each failure, and connects when the time has come', () => {
    const script = new Script().on({ type: 'start' });
    for (const failures of [0, 1, 2, 3]) {
      script.lose();
      assert.equal(script.wait, 0.5 * FIRST_WINDOW * 2 ** failures);
      script.tick();
      assert.equal(script.phase, 'connecting');
    }
  });

  test('an open connection alone does not reset the backoff; proven uptime does', () => {
    const script = new Script().on({ type: 'start' }).lose().tick().lose().tick();
    script.open().pass(PROVEN_UPTIME - 1).lose();
    assert.equal(script.wait, 0.5 * FIRST_WINDOW * 4);
    script.tick().open().pass(PROVEN_UPTIME).lose();
    assert.equal(script.wait, 0.5 * FIRST_WINDOW);
  });

  test('a person may try at once', () => {
    const script = new Script().open().lose().on({ type: 'retry' });
    assert.deepEqual(script.effects, [{ type: 'connect', generation: 2 }]);
  });

  test('a network that is back is used at once', () => {
    const script = new Script().open().lose().on({ type: 'online' });
    assert.equal(script.phase, 'connecting');
  });

  test('without a network tries are rare, yet not given up', () => {
    const script = new Script().open().lose().on({ type: 'offline' });
    assert.equal(script.phase, 'waiting');
    assert.equal(script.wait, WIDEST_WINDOW);
    script.tick().lose();
    assert.ok(script.wait >= WIDEST_WINDOW);
  });

  test('a device that says it has no network does not break a connection that works', () => {
    const script = new Script().open().on({ type: 'offline' });
    assert.equal(script.phase, 'open');
    assert.deepEqual(script.effects, []);
  });

  test('a busy server is left alone for a while', () => {
    const script = new Script().open().lose(1013);
    assert.equal(script.wait, BUSY_PAUSE + 0.5 * FIRST_WINDOW);
  });

  test('a terminal code stops, until a person asks', () => {
    const script = new Script().open().lose(1008, 'no');
    assert.equal(script.phase, 'stopped');
    assert.equal(nextTimeout(script.state), null);
    assert.equal(script.on({ type: 'online' }).phase, 'stopped');
    assert.equal(script.on({ type: 'retry' }).phase, 'connecting');
  });

  test('whoever left stays away', () => {
    const script = new Script().open().send('a').on({ type: 'leave' });
    assert.deepEqual(script.effects, [{ type: 'drop' }]);
    assert.deepEqual(script.state.outbox, []);
    assert.equal(script.on({ type: 'retry' }).phase, 'left');
    assert.equal(script.on({ type: 'online' }).phase, 'left');
  });
});

describe('the outbox', () => {
  test('an open connection sends at once; the message is ours until it is confirmed', () => {
    const script = new Script().open().send('a');
    assert.deepEqual(script.sent, ['a']);
    assert.equal(script.stage('a'), 'sent');
    script.on({ type: 'confirmed', id: 'a' });
    assert.equal(script.stage('a'), null);
  });

  test('what is written while away is sent in order upon coming back', () => {
    const script = new Script().open().lose().send('a').send('b');
    assert.deepEqual(script.sent, []);
    assert.equal(script.stage('a'), 'waiting');
    assert.deepEqual(script.tick().open().sent, ['a', 'b']);
  });

  test('what was sent and not confirmed is sent again, before what came later', () => {
    const script = new Script().open().send('a').send('b').on({ type: 'confirmed', id: 'a' });
    script.lose().send('c').tick();
    assert.deepEqual(script.open().sent, ['b', 'c']);
  });

  test('what speaks only of this connection is dropped with it', () => {
    const script = new Script().send('early', 'early', true).open();
    assert.deepEqual(script.sent, []);
    script.send('hello', 'hello', true);
    assert.deepEqual(script.sent, ['hello']);
    assert.deepEqual(script.lose().tick().open().sent, []);
  });

  test('is bounded by count', () => {
    const script = new Script();
    for (let i = 0; i < OUTBOX_COUNT; i += 1) {
      assert.ok(hasRoom(script.state, 1));
      script.send(`m${i}`);
    }
    assert.ok(!hasRoom(script.state, 1));
    assert.equal(script.send('one more').stage('one more'), null);
  });

  test('is bounded by bytes', () => {
    assert.ok(hasRoom(initialState(true), OUTBOX_BYTES));
    assert.ok(!hasRoom(initialState(true), OUTBOX_BYTES + 1));
    const script = new Script().on({ type: 'send', id: 'a', payload: new Uint8Array(OUTBOX_BYTES - 3), ephemeral: false });
    assert.ok(hasRoom(script.state, 3));
    assert.ok(!hasRoom(script.state, 4));
  });

  test('the largest message is to blame when the server says that one was too big', () => {
    const script = new Script().open().send('small').send('large', 'x'.repeat(1000)).lose(1009).tick();
    assert.deepEqual(findOutgoing(script.state, 'large')?.failure, 'too-big');
    assert.deepEqual(script.open().sent, ['small']);
  });

  test('a message that never comes through is given up, and may be tried again by hand', () => {
    const script = new Script().open().send('a');
    for (let tries = 1; tries < MAX_TRIES; tries += 1) script.lose().tick().open();
    script.lose();
    assert.equal(findOutgoing(script.state, 'a')?.failure, 'tries');
    assert.deepEqual(script.tick().open().sent, []);
    assert.deepEqual(script.on({ type: 'resend', id: 'a' }).sent, ['a']);
  });

  test('a message can be discarded', () => {
    const script = new Script().send('a').send('b').on({ type: 'discard', id: 'a' });
    assert.deepEqual(script.open().sent, ['b']);
  });
});

describe('a dead link', () => {
  test('an idle connection has no deadline: only a message of ours that does not return proves anything', () => {
    assert.equal(nextTimeout(new Script().open().state), null);
  });

  test('is noticed when what we sent does not come back', () => {
    const script = new Script().open().send('a').tick();
    assert.equal(script.phase, 'waiting');
    assert.deepEqual(script.state.link.why, { kind: 'unconfirmed' });
    assert.deepEqual(script.effects, [{ type: 'drop' }]);
    assert.equal(script.stage('a'), 'waiting');
  });

  test('anything that is received counts as life', () => {
    const script = new Script().open().send('abcd').pass(CONFIRM_TIMEOUT - 1).on({ type: 'received', generation: 1 });
    assert.equal(script.wait, CONFIRM_TIMEOUT + 4 / SLOWEST_UPLINK);
  });

  test('the deadline ends with the last confirmation', () => {
    const script = new Script().open().send('a').send('b').on({ type: 'confirmed', id: 'a' });
    assert.notEqual(nextTimeout(script.state), null);
    script.on({ type: 'confirmed', id: 'b' });
    assert.equal(nextTimeout(script.state), null);
  });

  test('who keeps typing into it does not keep it alive', () => {
    const script = new Script().open().send('a');
    const due = Number(nextTimeout(script.state));
    script.pass(10_000).send('b');
    assert.equal(nextTimeout(script.state), due + 1 / SLOWEST_UPLINK);
  });

  test('a large picture has the time that a slow uplink needs', () => {
    const script = new Script().open().send('a', 'x'.repeat(SLOWEST_UPLINK * 30_000));
    assert.equal(script.wait, CONFIRM_TIMEOUT + 30_000);
  });

  test('who overslept reads first, once', () => {
    const script = new Script().open().send('a').tick(OVERSLEPT + 1);
    assert.equal(script.phase, 'open');
    assert.equal(script.wait, REPRIEVE);
    assert.equal(script.tick(OVERSLEPT + 1).phase, 'waiting');
  });
});
