// What the servers have in common.

export const [task] = process.argv.slice(2);

// Says where the server is, for the one who started it.
export function announce({ address, port }) {
  console.log(`${address}:${port}`);
}

// With --expose-gc memory is given back soon, so that what is seen of it is what
// connections hold, and no garbage. With many of them a collection is long, and
// they wait for it: so it gets a third of the time at most.
function collect() {
  const start = performance.now();
  globalThis.gc();
  const took = performance.now() - start;
  setTimeout(collect, Math.max(300, 2 * took)).unref();
}
if (globalThis.gc) collect();
