/**
 * A TCP proxy on loopback that can do to a connection what networks do: cut it, or fall silent.
 */

import { once } from 'node:events';
import net from 'node:net';

export class Middlebox {
  /** @type {'whole' | 'cut' | 'silent'} */ #mood = 'whole';
  /** @type {Set<net.Socket>} */ #sockets = new Set();
  /** @type {net.Server} */ #server;
  /** @type {URL} */ #target;

  /** @param {URL} target */
  constructor(target) {
    this.#target = target;
    this.#server = net.createServer((client) => this.#accept(client));
  }

  /**
   * @param {URL} target where connections are passed on to
   * @returns {Promise<Middlebox>} that listens on a free port
   */
  static async listen(target) {
    const middlebox = new Middlebox(target);
    middlebox.#server.listen(0, '127.0.0.1');
    await once(middlebox.#server, 'listening');
    return middlebox;
  }

  /** Where to reach the target through this. */
  get origin() {
    const { port } = /** @type {net.AddressInfo} */ (this.#server.address());
    return new URL(`http://127.0.0.1:${port}/`);
  }

  /** Breaks every connection, and each that comes. */
  cut() {
    this.#mood = 'cut';
    for (const socket of this.#sockets) socket.destroy();
  }

  /** Passes nothing on any more, and breaks nothing: what a NAT does that forgot. */
  silence() {
    this.#mood = 'silent';
  }

  /** Passes connections on again; those that were silenced are beyond help. */
  heal() {
    for (const socket of this.#sockets) if (this.#mood === 'silent') socket.destroy();
    this.#mood = 'whole';
  }

  async close() {
    this.cut();
    this.#server.close();
    await once(this.#server, 'close');
  }

  /** @param {net.Socket} client */
  #accept(client) {
    if (this.#mood === 'cut') return void client.destroy();
    const server = net.connect(Number(this.#target.port || 80), this.#target.hostname);
    this.#pass(client, server);
    this.#pass(server, client);
  }

  /** @param {net.Socket} from @param {net.Socket} to */
  #pass(from, to) {
    this.#sockets.add(from);
    from.on('data', (bytes) => {
      if (this.#mood !== 'silent') to.write(bytes);
    });
    from.on('end', () => {
      if (this.#mood !== 'silent') to.end();
    });
    from.on('error', () => {});
    from.on('close', () => {
      this.#sockets.delete(from);
      if (this.#mood !== 'silent') to.destroy();
    });
  }
}
