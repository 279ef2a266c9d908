// Longwire's server against undici: node undici_client.mjs ECHO_URL CHOOSY_URL

import { ping, WebSocket } from 'undici';
import { channel } from 'node:diagnostics_channel';
import { askForShutdown, check, finish, report } from './report.mjs';
import {
  checkConfiguredSubprotocol, checkGoingAway, Connection, expect, runSuite, within,
} from './suite.mjs';

const [echo, choosy] = process.argv.slice(2);

await runSuite({ WebSocket, echo, report });
await checkConfiguredSubprotocol({ WebSocket, choosy, report });

await check('ping', async () => {
  const connection = await Connection.open(WebSocket, echo);
  const pong = new Promise((resolve) =>
    channel('undici:websocket:pong').subscribe(({ payload }) => resolve(payload)));
  ping(connection.socket, Buffer.from('are you there?'));
  const payload = await within(pong, 'waiting for a pong');
  expect(String(payload) === 'are you there?', `the pong carried '${payload}'`);
  await connection.close(1000, 1000);
});

/** Whether the server lets in a client that names this Origin. */
async function admits(origin) {
  const connection = new Connection(new WebSocket(echo, { headers: { origin } }));
  const admitted = await within(
    connection.opened.then(() => true, () => false), 'waiting for the handshake');
  connection.socket.close();
  return admitted;
}

await check('own-origin-accepted', async () => {
  const { host } = new URL(echo);
  expect(await admits(`http://${host}`), 'the server refused its own host');
});

await check('foreign-origin-refused', async () => {
  expect(!(await admits('https://elsewhere.example')), 'the server let it in');
});

await checkGoingAway({ WebSocket, echo, report, askForShutdown });
finish();
