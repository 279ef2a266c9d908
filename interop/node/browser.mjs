// What is checked of Longwire's server by a browser, whichever it is.

import { readFile } from 'node:fs/promises';
import { askForShutdown, check, finish, report } from './report.mjs';
import { expect } from './suite.mjs';

const httpOf = (url) => url.replace(/^ws/, 'http');

/**
 * Runs the checks and ends the process. `newPage(files)` opens a page that gets
 * each of `files` once, a map from URLs to `{ contentType, body }`: the pages
 * come from here, not from the server under test, but their WebSockets and
 * the Origin that these send are the browser's own.
 */
export async function checkInBrowser({ newPage, closeBrowser }, [echo, choosy]) {
  const suite = await readFile(new URL('./suite.mjs', import.meta.url), 'utf8');

  /** A page whose origin is that of `url`. */
  async function pageAt(url) {
    const { origin } = new URL(url);
    const page = await newPage(new Map([
      [`${origin}/suite.mjs`, { contentType: 'text/javascript', body: suite }],
      [`${origin}/`, { contentType: 'text/html', body: '<!doctype html><title>interop</title>' }],
    ]));
    await page.exposeFunction('report', (name, error) => report(name, error ?? undefined));
    await page.exposeFunction('askForShutdown', askForShutdown);
    await page.goto(`${origin}/`);
    await page.evaluate(async () => { await import('/suite.mjs'); });
    return page;
  }

  /** Whether a page may open a WebSocket to the echo server. */
  const admits = (page) => page.evaluate((url) => new Promise((resolve) => {
    const socket = new WebSocket(url);
    socket.onopen = () => { socket.close(); resolve(true); };
    socket.onclose = () => resolve(false);
  }), echo);

  // The two servers differ in their port: each gets a page of its own origin.
  const page = await pageAt(httpOf(echo));
  await page.evaluate(async (url) => {
    const { runSuite } = await import('/suite.mjs');
    const report = (name, error) => window.report(name, error);
    await runSuite({ WebSocket, echo: url, report });
  }, echo);

  const choosyPage = await pageAt(httpOf(choosy));
  await choosyPage.evaluate(async (url) => {
    const { checkConfiguredSubprotocol } = await import('/suite.mjs');
    const report = (name, error) => window.report(name, error);
    await checkConfiguredSubprotocol({ WebSocket, choosy: url, report });
  }, choosy);

  await check('own-origin-accepted', async () => {
    expect(await admits(page), 'the server refused its own host');
  });

  await check('foreign-origin-refused', async () => {
    const foreign = await pageAt(httpOf(echo).replace('127.0.0.1', 'localhost'));
    expect(!(await admits(foreign)), 'the server let a page of localhost in');
    const opaque = await newPage(new Map());
    expect(!(await admits(opaque)), "the server let a page of origin 'null' in");
  });

  await page.evaluate(async (url) => {
    const { checkGoingAway } = await import('/suite.mjs');
    const report = (name, error) => window.report(name, error);
    await checkGoingAway({ WebSocket, echo: url, report, askForShutdown: window.askForShutdown });
  }, echo);

  await closeBrowser();
  finish();
}
