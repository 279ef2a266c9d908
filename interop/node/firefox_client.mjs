// Longwire's server against headless Firefox:
// FIREFOX=/path/to/firefox node firefox_client.mjs ECHO_URL CHOOSY_URL

import puppeteer from 'puppeteer-core';
import { checkInBrowser } from './browser.mjs';

const browser = await puppeteer.launch({
  browser: 'firefox',
  executablePath: process.env.FIREFOX,
  headless: true,
});

async function newPage(files) {
  const page = await browser.newPage();
  if (files.size > 0) {
    await page.setRequestInterception(true);
    page.on('request', (request) => answer(page, request, files));
  }
  return page;
}

async function answer(page, request, files) {
  const file = files.get(request.url());
  if (file !== undefined) {
    await request.respond({ status: 200, ...file });
    files.delete(request.url());
  }
  // When all files are out nothing is held up any more: WebSockets would be too.
  if (files.size === 0) {
    await page.setRequestInterception(false);
  } else if (file === undefined) {
    await request.continue();
  }
}

await checkInBrowser({ newPage, closeBrowser: () => browser.close() }, process.argv.slice(2));
