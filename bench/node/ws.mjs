// node ws.mjs echo|deflate|fan-out: a server on ws, as its documentation has it. Its
// HTTP server sets TCP_NODELAY.

import { WebSocket, WebSocketServer } from 'ws';
import { announce, task } from './task.mjs';

// Every message is compressed, by itself and at level 1, as the others do it.
const deflate = {
  threshold: 0,
  serverNoContextTakeover: true,
  clientNoContextTakeover: true,
  zlibDeflateOptions: { level: 1 },
};
const server = new WebSocketServer({
  host: '127.0.0.1',
  port: 0,
  perMessageDeflate: task === 'deflate' && deflate,
});
server.on('listening', () => announce(server.address()));

server.on('connection', (socket) => {
  socket.on('error', () => {});
  socket.on('message', (data, binary) => {
    if (task !== 'fan-out') {
      socket.send(data, { binary });
      return;
    }
    for (const client of server.clients) {
      if (client.readyState === WebSocket.OPEN) client.send(data, { binary });
    }
  });
});
