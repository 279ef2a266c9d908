// Longwire's server against headless Chromium:
// CHROMIUM=/path/to/chromium node chromium_client.mjs ECHO_URL CHOOSY_URL

import { readFile } from 'node:fs/promises';
import { chromium } from 'playwright-core';
import { askForShutdown, check, finish, report } from './report.mjs';
import { expect } from './suite.mjs';

const [echo, choosy] = process.argv.slice(2);

const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM,
  headless: true,
  args: [
    '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run',
    '--disable-background-networking', '--disable-component-update', '--disable-sync',
    // The pages below come from no address at all, which counts as public.
    '--disable-features=LocalNetworkAccessChecks,LocalNetworkAccessChecksWebSockets',
  ],
});

/**
 * A page whose origin is that of `url`. The page comes from here, not from the
 * server under test, but its WebSockets and the Origin they send are the
 * browser's own.
 */
async function pageAt(url) {
  const page = await browser.newPage();
  const { origin } = new URL(url);
  const suite = await readFile(new URL('./suite.mjs', import.meta.url), 'utf8');
  await page.route(`${origin}/suite.mjs`, (route) =>
    route.fulfill({ contentType: 'text/javascript', body: suite }));
  await page.route(`${origin}/`, (route) =>
    route.fulfill({ contentType: 'text/html', body: '<!doctype html><title>interop</title>' }));
  await page.exposeFunction('report', (name, error) => report(name, error ?? undefined));
  await page.exposeFunction('askForShutdown', askForShutdown);
  await page.goto(`${origin}/`);
  return page;
}

const httpOf = (url) => url.replace(/^ws/, 'http');

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
  const opaque = await browser.newPage();
  expect(!(await admits(opaque)), "the server let a page of origin 'null' in");
});

await page.evaluate(async (url) => {
  const { checkGoingAway } = await import('/suite.mjs');
  const report = (name, error) => window.report(name, error);
  await checkGoingAway({ WebSocket, echo: url, report, askForShutdown: window.askForShutdown });
}, echo);

await browser.close();
finish();
