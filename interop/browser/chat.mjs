/**
 * The chat page of `longwire serve` in a real browser: two people in two browser contexts talk, send a
 * picture, change rooms, lose their connection and get it back.
 *
 *   BASE_URL   where `longwire serve` listens, for example http://127.0.0.1:8080/
 *   CHROMIUM   the browser (default: /usr/bin/chromium)
 *   OUT_DIR    where screenshots go (default: a new temporary directory, which is printed)
 *   NODE_DEPS  the package that has playwright-core among its dependencies (default: ../node)
 *
 * One of the two reaches the server through a proxy of this script, which can be cut and can fall silent.
 * Exits with 1 and says what was wrong at the first step that fails.
 */

import assert from 'node:assert/strict';
import { mkdir, mkdtemp } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

import { Middlebox } from './middlebox.mjs';

const here = fileURLToPath(new URL('.', import.meta.url));
const deps = createRequire(join(resolve(here, process.env.NODE_DEPS ?? '../node'), 'package.json'));
const { chromium } = deps('playwright-core');

const base = new URL(process.env.BASE_URL ?? fail('BASE_URL is not set: start `longwire serve` and say where it listens'));
const out = process.env.OUT_DIR ?? (await mkdtemp(join(tmpdir(), 'longwire-chat-')));
await mkdir(out, { recursive: true });

/** How long anything may take that should take no time, in milliseconds. */
const SOON = 5_000;

/** Longer than the widest backoff and the longest wait for a confirmation, in milliseconds. */
const PATIENCE = 40_000;

/** Both in a room of their own, so that what others do in the lobby does not matter. */
const ROOM = `harbour-${process.pid}`;

/** @param {string} message @returns {never} */
function fail(message) {
  console.error(message);
  process.exit(2);
}

/** A person at a browser. */
class Visitor {
  /** @type {string[]} what the browser's console complained about */
  complaints = [];

  /** @param {import('playwright-core').Page} page @param {string} name */
  constructor(page, name) {
    this.page = page;
    this.name = name;
    page.setDefaultTimeout(SOON);
    page.on('console', (message) => {
      if (message.type() === 'error' || message.type() === 'warning') this.complaints.push(message.text());
    });
    page.on('pageerror', (error) => this.complaints.push(String(error.stack)));
  }

  get log() {
    return this.page.getByRole('log');
  }

  get lines() {
    return this.log.locator('.line');
  }

  /** What was said, as it stands in the log, notices left out. */
  said() {
    return this.log.locator('.words').allTextContents();
  }

  /** @param {string} text */
  async say(text) {
    await this.page.getByLabel('Message', { exact: true }).fill(text);
    await this.page.getByLabel('Message', { exact: true }).press('Enter');
  }

  /** @param {string} text */
  async sees(text, timeout = SOON) {
    await this.log.getByText(text).last().waitFor({ timeout });
  }

  /** @param {string} look @param {number} [timeout] */
  async status(look, timeout = SOON) {
    await this.page.locator(`#status[data-look="${look}"]`).waitFor({ timeout });
  }

  /** @param {string} name */
  picture(name) {
    return this.page.screenshot({ path: join(out, `${name}.png`) });
  }
}

/** @param {() => Promise<boolean>} holds @param {string} what */
async function eventually(holds, what, timeout = SOON) {
  const end = Date.now() + timeout;
  while (!(await holds())) {
    assert.ok(Date.now() < end, `not within ${timeout} ms: ${what}`);
    await new Promise((done) => setTimeout(done, 50));
  }
}

const middlebox = await Middlebox.listen(base);
const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
  args: ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync'],
});

/**
 * @param {string} name
 * @param {URL} origin
 * @param {import('playwright-core').BrowserContextOptions} [options]
 */
async function arrive(name, origin, options = {}) {
  const context = await browser.newContext({ viewport: { width: 1280, height: 800 }, ...options });
  await context.addInitScript((/** @type {string} */ first) => {
    localStorage['longwire.name'] ??= first;
  }, name);
  const visitor = new Visitor(await context.newPage(), name);
  await visitor.page.goto(new URL(`/rooms/${ROOM}`, origin).href);
  await visitor.status('open');
  return visitor;
}

/** @type {Visitor} */ let ada;
/** @type {Visitor} */ let bob;

/** @type {[string, () => Promise<void>][]} */
const steps = [
  ['the lobby opens, connects, and says how to try it', async () => {
    const lobby = await browser.newPage();
    await lobby.goto(base.href);
    await lobby.locator('#status[data-look="open"]').waitFor({ timeout: SOON });
    assert.equal(await lobby.getByRole('heading', { level: 1 }).textContent(), 'lobby');
    await lobby.getByText(`longwire connect ws://${base.host}/channels/lobby`).waitFor({ timeout: SOON });
    await lobby.screenshot({ path: join(out, '1-lobby.png') });
    await lobby.close();
  }],

  ['two people enter a room by its address and see each other', async () => {
    ada = await arrive('Ada', middlebox.origin);
    bob = await arrive('Grace', base, { colorScheme: 'dark' });
    await ada.sees('Grace joined');
    await ada.page.getByRole('button', { name: 'Who is here: 2' }).waitFor();
    await bob.page.getByRole('button', { name: 'Who is here: 2' }).waitFor();
  }],

  ['they talk both ways', async () => {
    await ada.say('Is anyone at the other end of this wire? 👋');
    await bob.sees('Is anyone at the other end of this wire? 👋');
    await bob.say('Loud and clear. The notes: https://example.org/notes?day=12.');
    await ada.sees('Loud and clear.');
    await ada.lines.last().locator('.name', { hasText: 'Grace' }).waitFor();
    await bob.lines.last().getByText('Delivered').waitFor({ state: 'attached' });
  }],

  ['a link is a link, and markup stays text', async () => {
    const link = ada.log.getByRole('link', { name: 'https://example.org/notes?day=12' });
    assert.equal(await link.getAttribute('href'), 'https://example.org/notes?day=12');
    assert.match(String(await link.getAttribute('rel')), /noopener/);
    const markup = '<img src=x onerror="document.title=1"><b>bold</b>';
    await bob.say(markup);
    await ada.sees(markup);
    assert.equal(await ada.log.locator('b, .words img').count(), 0);
  }],

  ['when both talk at once, both see one order', async () => {
    await Promise.all(
      [ada, bob].map(async (visitor) => {
        for (let i = 0; i < 15; i += 1) await visitor.say(`${visitor.name} ${i}`);
      }),
    );
    await Promise.all([ada, bob].flatMap((reader) => [reader.sees('Ada 14'), reader.sees('Grace 14')]));
    const settled = async () => (await ada.page.locator('.pending').count()) + (await bob.page.locator('.pending').count()) === 0;
    await eventually(settled, 'every message is confirmed');
    assert.deepEqual(await ada.said(), await bob.said());
    for (const { name } of [ada, bob]) {
      const own = (await ada.said()).filter((text) => text.startsWith(`${name} `));
      assert.deepEqual(own, Array.from({ length: 15 }, (_, i) => `${name} ${i}`));
    }
  }],

  ['a picture larger than the server takes is made smaller, and both see it', async () => {
    const buffer = Buffer.from(await ada.page.evaluate(photograph), 'base64');
    assert.ok(buffer.length > 1024 * 1024, 'the picture is meant to be over 1 MiB');
    await ada.page.locator('#file').setInputFiles({ name: 'harbour.jpg', mimeType: 'image/jpeg', buffer });
    await ada.page.getByRole('button', { name: 'Leave out harbour.jpg' }).waitFor();
    await ada.say('Taken this morning');
    await bob.sees('Taken this morning');
    for (const visitor of [ada, bob]) {
      const image = visitor.log.getByAltText('Picture: harbour.jpg');
      await eventually(() => image.evaluate((/** @type {any} */ { naturalWidth }) => naturalWidth > 400), 'the picture is shown');
    }
    assert.equal(await ada.page.locator('.pending').count(), 0);
    await bob.page.getByRole('button', { name: 'Enlarge the picture harbour.jpg' }).click();
    await bob.page.getByRole('dialog').getByAltText('harbour.jpg').waitFor();
    await bob.picture('2-picture');
    await bob.page.keyboard.press('Escape');
    await bob.page.getByRole('dialog').waitFor({ state: 'hidden' });
  }],

  ['what is no picture is refused in words', async () => {
    await ada.page.locator('#file').setInputFiles({ name: 'notes.txt', mimeType: 'text/plain', buffer: Buffer.from('no') });
    await ada.page.getByRole('alert').getByText('notes.txt is not a picture').waitFor();
  }],

  ['a stranger’s text and bytes are shown for what they are', async () => {
    await bob.page.evaluate(async (room) => {
      const socket = new WebSocket(`ws://${location.host}/channels/${room}`);
      await new Promise((opened) => (socket.onopen = opened));
      socket.send('hello from a <b>terminal</b>');
      socket.send(Uint8Array.of(1, 2, 3, 4, 5));
      socket.send('{"type":"chat"}');
      socket.close();
    }, ROOM);
    for (const visitor of [ada, bob]) {
      await visitor.sees('hello from a <b>terminal</b>');
      await visitor.sees('Binary message, 5 bytes');
      await visitor.sees('{"type":"chat"}');
    }
    const [download] = await Promise.all([
      ada.page.waitForEvent('download'),
      ada.log.getByRole('link', { name: 'Save' }).last().click(),
    ]);
    assert.equal(download.suggestedFilename(), 'message.bin');
    await ada.picture('3-light');
    await bob.picture('4-dark');
  }],

  ['a name can be changed, and is kept', async () => {
    await bob.page.getByRole('button', { name: 'Change your name' }).click();
    await bob.page.getByLabel('Name', { exact: true }).fill('  Grace\tHopper ');
    await bob.page.getByRole('button', { name: 'Save' }).click();
    await ada.sees('Grace is now Grace Hopper');
    await bob.page.reload();
    await bob.status('open');
    assert.equal(await bob.page.locator('#me-name').textContent(), 'Grace Hopper');
  }],

  ['another room is another conversation, and the first one goes on', async () => {
    const other = `${ROOM}-pier`;
    await ada.page.getByLabel('Open another room').fill(`  ${ROOM} Pier `);
    await ada.page.getByLabel('Open another room').press('Enter');
    await ada.status('open');
    assert.equal(new URL(ada.page.url()).pathname, `/rooms/${other}`);
    assert.equal(await ada.page.getByRole('heading', { level: 1 }).textContent(), other);
    assert.deepEqual(await ada.said(), []);
    await bob.say('still in the old room');
    await ada.page.getByRole('navigation').getByLabel('1 unread').waitFor();
    assert.deepEqual(await ada.said(), []);
    await ada.picture('5-another-room');
    await ada.page.goBack();
    await ada.sees('still in the old room');
    assert.equal(await ada.page.getByRole('heading', { level: 1 }).textContent(), ROOM);
  }],

  ['what comes while nobody looks is counted in the title', async () => {
    await ada.page.evaluate(() => Object.defineProperty(document, 'hidden', { value: true, configurable: true }));
    await bob.say('one');
    await bob.say('two');
    await eventually(async () => (await ada.page.title()).startsWith('(2) '), 'the title says (2)');
    await ada.page.evaluate(() => {
      Reflect.deleteProperty(document, 'hidden');
      document.dispatchEvent(new Event('visibilitychange'));
    });
    await eventually(async () => !(await ada.page.title()).startsWith('('), 'the title says nothing');
  }],

  ['who reads further up is left in peace, and told what is new', async () => {
    const log = ada.page.locator('.log:not([hidden])');
    await log.hover();
    await ada.page.mouse.wheel(0, -600);
    await ada.page.getByRole('button', { name: 'To the newest' }).waitFor();
    const before = await log.evaluate(({ scrollTop }) => scrollTop);
    await bob.say('something new');
    const button = ada.page.getByRole('button', { name: '1 new message' });
    await button.waitFor();
    assert.equal(await log.evaluate(({ scrollTop }) => scrollTop), before);
    await button.click();
    await button.waitFor({ state: 'hidden' });
    const left = await log.evaluate(({ scrollHeight, scrollTop, clientHeight }) => scrollHeight - scrollTop - clientHeight);
    assert.ok(left < 2, `${left} pixels above the end`);
  }],

  ['a lost connection is shown as lost, and what is written meanwhile waits', async () => {
    middlebox.cut();
    await ada.status('waiting');
    await ada.sees('Connection lost.');
    await ada.say('written while away');
    await ada.lines.last().getByText('Waiting for the connection').waitFor();
    await ada.page.getByText('One message waits to be sent.').waitFor();
    await eventually(async () => /Next try (in \d+ s|now)\./.test(String(await ada.page.locator('#banner-words').textContent())), 'the next try is announced');
    await ada.page.getByRole('button', { name: 'Who is here: unknown' }).waitFor();
    await ada.picture('6-lost');
    assert.ok(!(await bob.said()).includes('written while away'));
  }],

  ['“Try now” comes back, and sends what waited, once', async () => {
    // The longer the outage, the longer the pause in which there is a button to press.
    await eventually(async () => /in ([2-9]|\d\d) s/.test(String(await ada.page.locator('#banner-words').textContent())), 'a longer pause', PATIENCE);
    middlebox.heal();
    await ada.page.getByRole('button', { name: 'Try now' }).click();
    await ada.status('open');
    await bob.sees('written while away');
    await ada.sees('Connected again after');
    await ada.page.locator('.pending').waitFor({ state: 'detached' });
    for (const visitor of [ada, bob]) {
      assert.equal((await visitor.said()).filter((text) => text === 'written while away').length, 1);
    }
  }],

  ['a connection that breaks comes back by itself', async () => {
    middlebox.cut();
    await ada.status('waiting');
    middlebox.heal();
    await ada.status('open', PATIENCE);
    await bob.say('welcome back');
    await ada.sees('welcome back');
  }],

  ['a link that went silent is found out by the first message that does not return', async () => {
    middlebox.silence();
    await ada.say('into the void');
    await ada.lines.last().getByText('Sending…').waitFor();
    await ada.sees('The server stopped answering.', PATIENCE);
    middlebox.heal();
    await ada.status('open', PATIENCE);
    await bob.sees('into the void');
    await ada.page.locator('.pending').waitFor({ state: 'detached' });
    assert.equal((await bob.said()).filter((text) => text === 'into the void').length, 1);
  }],

  ['a phone has room for all of it', async () => {
    const phone = await arrive('Léon', base, { viewport: { width: 390, height: 780 }, isMobile: true, hasTouch: true });
    await bob.say('A long line for a narrow window: https://example.org/an/address/without/any/place/to/break/it');
    await phone.sees('A long line');
    const width = await phone.page.evaluate(() => document.documentElement.scrollWidth);
    assert.equal(width, 390, 'the page is as wide as the window');
    await phone.picture('7-phone');
    await phone.page.getByRole('button', { name: 'Rooms' }).tap();
    await phone.page.getByRole('link', { name: ROOM }).waitFor();
    await phone.picture('8-phone-rooms');
    await phone.page.keyboard.press('Escape');
    await phone.page.getByRole('link', { name: ROOM }).waitFor({ state: 'hidden' });
    await phone.page.context().close();
    await bob.sees('Léon left');
  }],

  ['the browser has nothing to complain about', async () => {
    // What the outages above were made to cause, and a script cannot keep out of the console.
    const others = [...ada.complaints, ...bob.complaints].filter((text) => !/^WebSocket connection to|net::ERR_/.test(text));
    assert.deepEqual(others, []);
  }],
];

/**
 * Runs in the page: something like a photograph, which does not get small by itself.
 * @returns {string} a JPEG in base64
 */
function photograph() {
  const canvas = document.createElement('canvas');
  canvas.width = 2400;
  canvas.height = 1600;
  const pen = /** @type {CanvasRenderingContext2D} */ (canvas.getContext('2d'));
  const sky = pen.createLinearGradient(0, 0, 0, canvas.height);
  [[0, '#27405a'], [0.6, '#e3a06b'], [1, '#f3d9b1']].forEach(([at, color]) => sky.addColorStop(Number(at), String(color)));
  pen.fillStyle = sky;
  pen.fillRect(0, 0, canvas.width, canvas.height);
  const image = pen.getImageData(0, 0, canvas.width, canvas.height);
  for (let i = 0; i < image.data.length; i += 1) {
    if (i % 4 !== 3) image.data[i] = Number(image.data[i]) + Math.random() * 40 - 20;
  }
  pen.putImageData(image, 0, 0);
  return String(canvas.toDataURL('image/jpeg', 0.92).split(',')[1]);
}

let passed = 0;
try {
  for (const [name, run] of steps) {
    try {
      await run();
    } catch (error) {
      console.error(`not ok - ${name}\n${error instanceof Error ? error.stack : error}`);
      for (const visitor of [ada, bob]) {
        if (!visitor) continue;
        await visitor.picture(`failed-${visitor.name}`).catch(() => {});
        if (visitor.complaints.length > 0) console.error(`${visitor.name}'s console: ${visitor.complaints.join('\n  ')}`);
      }
      break;
    }
    passed += 1;
    console.log(`ok - ${name}`);
  }
} finally {
  await browser.close();
  await middlebox.close();
}
console.log(`screenshots: ${out}`);
console.log(`${passed} passed, ${steps.length - passed} failed`);
process.exitCode = passed === steps.length ? 0 : 1;
