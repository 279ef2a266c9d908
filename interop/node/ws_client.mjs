// Longwire's server against `ws`: node ws_client.mjs ECHO_URL CHOOSY_URL

import { once } from 'node:events';
import WebSocket from 'ws';
import { askForShutdown, check, finish, report } from './report.mjs';
import {
  checkConfiguredSubprotocol, checkGoingAway, Connection, expect, pattern, runSuite, UNICODE, within,
} from './suite.mjs';

const [echo, choosy] = process.argv.slice(2);

await runSuite({ WebSocket, echo, report });
await checkConfiguredSubprotocol({ WebSocket, choosy, report });

await check('fragmented', async () => {
  const connection = await Connection.open(WebSocket, echo);
  const text = Buffer.from(UNICODE);
  // Cut inside characters, with a ping between two fragments.
  connection.socket.send(text.subarray(0, 2), { fin: false, binary: false });
  connection.socket.ping('between');
  connection.socket.send(text.subarray(2, 5), { fin: false });
  connection.socket.send(text.subarray(5), { fin: true });
  await connection.expectEcho(UNICODE);

  const bytes = pattern(70_000);
  connection.socket.send(bytes.subarray(0, 1), { fin: false, binary: true });
  connection.socket.send(bytes.subarray(1, 1), { fin: false });
  connection.socket.send(bytes.subarray(1), { fin: true });
  await connection.expectEcho(bytes);
  await connection.close(1000, 1000);
});

await check('ping', async () => {
  const connection = await Connection.open(WebSocket, echo);
  const pong = once(connection.socket, 'pong');
  connection.socket.ping('are you there?');
  const [payload] = await within(pong, 'waiting for a pong');
  expect(String(payload) === 'are you there?', `the pong carried '${payload}'`);
  await connection.close(1000, 1000);
});

await check('server-close-1007', async () => {
  const connection = await Connection.open(WebSocket, echo);
  connection.socket.send(Buffer.from([0x48, 0xff]), { binary: false });
  await connection.expectClose(1007);
});

await check('own-origin-accepted', async () => {
  const { host } = new URL(echo);
  const connection = new Connection(new WebSocket(echo, { origin: `http://${host}` }));
  await within(connection.opened, 'connecting');
  await connection.close(1000, 1000);
});

await check('foreign-origin-refused', async () => {
  const socket = new WebSocket(echo, { origin: 'https://elsewhere.example' });
  socket.on('error', () => {});
  const status = new Promise((resolve) => {
    socket.on('open', () => resolve(101));
    socket.on('unexpected-response', (_, response) => resolve(response.statusCode));
  });
  const answer = await within(status, 'waiting for the refusal');
  socket.terminate();
  expect(answer === 403, `status ${answer}`);
});

await checkGoingAway({ WebSocket, echo, report, askForShutdown });
finish();
