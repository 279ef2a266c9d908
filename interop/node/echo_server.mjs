// An echo server on `ws`, for Longwire's client to talk to:
// node echo_server.mjs echo --listen 127.0.0.1:PORT [--subprotocol NAME]...
// A path of /close/CODE makes it close at once with that code, or with none.

import { parseArgs } from 'node:util';
import { WebSocketServer } from 'ws';

const { values } = parseArgs({
  allowPositionals: true,
  options: {
    listen: { type: 'string', default: '127.0.0.1:0' },
    subprotocol: { type: 'string', multiple: true, default: [] },
  },
});
const [host, port] = values.listen.split(':');

const server = new WebSocketServer({
  host,
  port: Number(port),
  maxPayload: 64 << 20,
  maxFragments: 1 << 20,
  allowSynchronousEvents: true,
  perMessageDeflate: true,
  handleProtocols: (offers) =>
    [...offers].find((offer) => values.subprotocol.length === 0 || values.subprotocol.includes(offer))
      ?? false,
});

server.on('listening', () => console.log(`ws://${host}:${server.address().port}`));

server.on('connection', (socket, request) => {
  const [, code] = request.url.match(/^\/close\/(\w+)$/) ?? [];
  if (code === 'none') socket.close();
  else if (code !== undefined) socket.close(Number(code), 'as you asked');
  socket.on('message', (data, isBinary) => socket.send(data, { binary: isBinary }));
  // A peer that breaks the protocol ends its own connection, not the server.
  socket.on('error', () => {});
});

process.on('SIGTERM', () => {
  for (const socket of server.clients) socket.close(1001, 'going away');
  server.close(() => process.exit(0));
});
