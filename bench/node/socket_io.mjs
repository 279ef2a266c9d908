// node socket_io.mjs echo|fan-out: a server on Socket.IO, as its documentation
// has it. Its HTTP server sets TCP_NODELAY.

import { createServer } from 'node:http';
import { Server } from 'socket.io';
import { announce, task } from './task.mjs';

const http = createServer();
const io = new Server(http);

io.on('connection', (socket) => {
  socket.join('bench');
  socket.on('bench', (text) => {
    if (task === 'echo') socket.emit('bench', text);
    else io.to('bench').emit('bench', text);
  });
});

http.listen(0, '127.0.0.1', () => announce(http.address()));
