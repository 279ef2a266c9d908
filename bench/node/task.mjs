// What the servers have in common.

export const [task] = process.argv.slice(2);

// Says where the server is, for the one who started it.
export function announce({ address, port }) {
  console.log(`${address}:${port}`);
}

// With --expose-gc memory is given back soon, so that what is seen of it is
// what connections hold, and no garbage.
if (globalThis.gc) setInterval(() => globalThis.gc(), 300).unref();
