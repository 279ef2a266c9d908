// Longwire's server against headless Chromium:
// CHROMIUM=/path/to/chromium node chromium_client.mjs ECHO_URL CHOOSY_URL

import { chromium } from 'playwright-core';
import { checkInBrowser } from './browser.mjs';

const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM,
  headless: true,
  args: [
    '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run',
    '--disable-background-networking', '--disable-component-update', '--disable-sync',
    // The pages come from no address at all, which counts as public.
    '--disable-features=LocalNetworkAccessChecks,LocalNetworkAccessChecksWebSockets',
  ],
});

async function newPage(files) {
  const page = await browser.newPage();
  for (const [url, file] of files) {
    await page.route(url, (route) => route.fulfill(file));
  }
  return page;
}

await checkInBrowser({ newPage, closeBrowser: () => browser.close() }, process.argv.slice(2));
