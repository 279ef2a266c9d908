// The checks that can be written against the browser's WebSocket API. Chromium
// imports this file from a page; `ws` and undici offer the same API in Node.

const MIB = 1 << 20;
const TIMEOUT_MS = 20_000;

/** Bytes whose value depends on their position, so that a shift or a swap shows. */
export function pattern(length) {
  const bytes = new Uint8Array(length);
  for (let i = 0; i < length; i++) bytes[i] = (i * 31 + (i >> 8) * 7 + (i >> 16)) & 0xff;
  return bytes;
}

/** Text with characters of one to four bytes, a combining mark and a joined emoji. */
export const UNICODE = 'aß水🍣 e\u0301 👩‍👩‍👧 \u0000\uFFFD\u{10FFFF}';

export function expect(condition, message) {
  if (!condition) throw new Error(message);
}

/** A function that runs one check and reports how it ended. */
export function checkWith(report) {
  return async (name, body) => {
    try {
      await body();
      await report(name);
    } catch (error) {
      await report(name, String(error.message ?? error));
    }
  };
}

/** Fails a wait that would otherwise hang the whole run. */
export function within(promise, what) {
  let timer;
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error(`timed out: ${what}`)), TIMEOUT_MS);
  });
  return Promise.race([promise, late]).finally(() => clearTimeout(timer));
}

/** A connection with its messages in a queue, and its close event as a promise. */
export class Connection {
  static async open(WebSocket, url, protocols = []) {
    const connection = new Connection(new WebSocket(url, protocols));
    await within(connection.opened, `connecting to ${url}`);
    return connection;
  }

  constructor(socket) {
    this.socket = socket;
    this.queue = [];
    this.waiting = [];
    socket.binaryType = 'arraybuffer';
    this.opened = new Promise((resolve, reject) => {
      socket.addEventListener('open', resolve);
      socket.addEventListener('error', (event) =>
        reject(new Error(event.message || 'the connection was refused')));
    });
    this.opened.catch(() => {});
    this.closed = new Promise((resolve) => socket.addEventListener('close', resolve));
    socket.addEventListener('message', ({ data }) => {
      const waiter = this.waiting.shift();
      if (waiter) waiter(data);
      else this.queue.push(data);
    });
  }

  receive() {
    if (this.queue.length > 0) return Promise.resolve(this.queue.shift());
    const message = new Promise((resolve) => this.waiting.push(resolve));
    const end = this.closed.then(({ code }) => {
      throw new Error(`closed with ${code} while a message was awaited`);
    });
    return within(Promise.race([message, end]), 'waiting for a message');
  }

  async expectEcho(sent) {
    const received = await this.receive();
    if (typeof sent === 'string') expect(received === sent, difference(sent, received));
    else expectBytes(received, sent);
  }

  async echo(message) {
    this.socket.send(message);
    await this.expectEcho(message);
  }

  /** Closes, and checks the code that came back. */
  async close(sent, expected, reason) {
    if (sent === undefined) this.socket.close();
    else this.socket.close(sent, reason);
    await this.expectClose(expected);
  }

  async expectClose(expected) {
    const { code, wasClean } = await within(this.closed, 'waiting for the close event');
    expect(code === expected, `close code ${code}, expected ${expected}`);
    expect(wasClean, 'the connection was not closed cleanly');
  }
}

function difference(sent, received) {
  if (typeof received !== 'string') return 'text came back as binary';
  return `${received.length} characters came back for ${sent.length}, or other ones`;
}

function expectBytes(received, sent) {
  expect(typeof received !== 'string', 'binary came back as text');
  const bytes = new Uint8Array(received);
  expect(bytes.length === sent.length, `${bytes.length} bytes came back for ${sent.length}`);
  const wrong = bytes.findIndex((byte, i) => byte !== sent[i]);
  expect(wrong === -1, `byte ${wrong} differs`);
}

/**
 * Runs the checks against an echo server without configured subprotocols,
 * and reports each by `report(name, error)`, with `error` undefined when it
 * passed.
 */
export async function runSuite({ WebSocket, echo, report }) {
  const check = checkWith(report);
  const withEcho = async (body) => {
    const connection = await Connection.open(WebSocket, echo);
    try {
      await body(connection);
    } finally {
      connection.socket.close();
    }
  };
  const echoes = (name, message) => check(name, () => withEcho((c) => c.echo(message())));

  await echoes('text', () => 'Hello, stranger');
  await echoes('binary', () => pattern(256));
  await echoes('empty-text', () => '');
  await echoes('empty-binary', () => new Uint8Array(0));
  for (const size of [125, 126, 127, 65535, 65536]) {
    await echoes(`size-${size}`, () => pattern(size));
  }
  await echoes('16-mib', () => pattern(16 * MIB));
  await echoes('unicode', () => UNICODE.repeat(4000));

  await check('pipelined', () => withEcho(async (connection) => {
    const messages = Array.from({ length: 500 }, (_, i) =>
      i % 2 ? `message ${i} ${'x'.repeat(i * 7)}` : pattern(i * 11));
    for (const message of messages) connection.socket.send(message);
    for (const message of messages) await connection.expectEcho(message);
  }));

  await check('permessage-deflate', () => withEcho(async (connection) => {
    const { extensions } = connection.socket;
    expect(extensions.startsWith('permessage-deflate'), `agreed on '${extensions}'`);
    await connection.echo('compressed '.repeat(10_000));
    await connection.echo(pattern(100_000));
  }));

  await check('subprotocol-first-offer', async () => {
    const connection = await Connection.open(WebSocket, echo, ['chat.v9', 'chat.v1']);
    expect(connection.socket.protocol === 'chat.v9', `selected '${connection.socket.protocol}'`);
    await connection.close(1000, 1000);
  });

  const closes = (name, sent, expected, reason) => check(name, async () => {
    const connection = await Connection.open(WebSocket, echo);
    await connection.close(sent, expected, reason);
  });
  await closes('close-1000', 1000, 1000);
  await closes('close-3000', 3000, 3000, 'längster Grund: ' + 'g'.repeat(106));
  await closes('close-4999', 4999, 4999, 'bye');
  await closes('close-without-code', undefined, 1005);
}

/** Checks the choice of a server that speaks only `chat.v1`. */
export async function checkConfiguredSubprotocol({ WebSocket, choosy, report }) {
  await checkWith(report)('subprotocol-configured', async () => {
    const connection = await Connection.open(WebSocket, choosy, ['chat.v9', 'chat.v1']);
    expect(connection.socket.protocol === 'chat.v1', `selected '${connection.socket.protocol}'`);
    await connection.close(1000, 1000);
  });
}

/** The last check: the server is shut down while a connection is open. */
export async function checkGoingAway({ WebSocket, echo, report, askForShutdown }) {
  await checkWith(report)('server-going-away-1001', async () => {
    const connection = await Connection.open(WebSocket, echo);
    await connection.echo('still here');
    await askForShutdown();
    await connection.expectClose(1001);
  });
}
