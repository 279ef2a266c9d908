// How every client here tells `cargo xtask` its results: see interop/README.md.

import { checkWith } from './suite.mjs';

let failures = 0;

export function report(name, error) {
  if (error === undefined) {
    console.log(`ok ${name}`);
  } else {
    failures += 1;
    console.log(`FAIL ${name}: ${error.replaceAll('\n', ' | ')}`);
  }
}

export const check = checkWith(report);

export function askForShutdown() {
  console.log('await shutdown');
}

/** Leaves at once: an open socket must not keep a finished run alive. */
export function finish() {
  process.exit(failures === 0 ? 0 : 1);
}
