// node ws.mjs echo|fan-out: a server on ws, as its documentation has it. Its
// HTTP server sets TCP_NODELAY.

import { WebSocket, WebSocketServer } from 'ws';
import { announce, task } from './task.mjs';

const server = new WebSocketServer({ host: '127.0.0.1', port: 0 });
server.on('listening', () => announce(server.address()));

server.on('connection', (socket) => {
  socket.on('error', () => {});
  socket.on('message', (data, binary) => {
    if (task === 'echo') {
      socket.send(data, { binary });
      return;
    }
    for (const client of server.clients) {
      if (client.readyState === WebSocket.OPEN) client.send(data, { binary });
    }
  });
});
