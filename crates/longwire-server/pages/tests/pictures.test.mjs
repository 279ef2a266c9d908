import assert from 'node:assert/strict';
import { describe, test } from 'node:test';

import { FILE_BYTES, ladder, PICTURE_BYTES, PictureError, preparePicture, sizeInWords } from '../pictures.js';

/**
 * Tools that draw a picture of about `weight` bytes per pixel.
 * @param {number} weight
 * @param {{ width?: number, height?: number, writes?: string[] }} [options]
 */
function tools(weight, { width = 4000, height = 3000, writes = ['image/webp', 'image/jpeg'] } = {}) {
  const calls = /** @type {string[]} */ ([]);
  return {
    calls,
    closed: 0,
    async open() {
      return /** @type {any} */ ({ width, height, close: () => void (this.closed += 1) });
    },
    /** @param {any} _ @param {{ width: number, height: number }} size @param {string} type @param {number} quality */
    async draw(_, size, type, quality) {
      calls.push(`${type} ${size.width}x${size.height}`);
      const written = writes.includes(type) ? type : 'image/png';
      return new Blob([new Uint8Array(Math.round(size.width * size.height * weight * quality))], { type: written });
    },
  };
}

/** @param {number} size @param {string} type */
const file = (size, type, name = 'p') => new File([new Uint8Array(size)], name, { type });

describe('preparing', () => {
  test('a small drawing goes as it is', async () => {
    const kit = tools(1, { width: 10, height: 20 });
    const { bytes, info } = await preparePicture(file(500, 'image/png', 'a.png'), kit);
    assert.equal(bytes.length, 500);
    assert.deepEqual(info, { mime: 'image/png', name: 'a.png', width: 10, height: 20 });
    assert.deepEqual(kit.calls, []);
    assert.equal(kit.closed, 1);
  });

  test('a photograph is always drawn anew, so that it does not tell where it was taken', async () => {
    const kit = tools(0.1, { width: 10, height: 20 });
    const { info } = await preparePicture(file(500, 'image/jpeg'), kit);
    assert.deepEqual(kit.calls, ['image/jpeg 10x20']);
    assert.equal(info.mime, 'image/jpeg');
  });

  test('a large one is made smaller until it fits', async () => {
    const kit = tools(0.6);
    const { bytes, info } = await preparePicture(file(5_000_000, 'image/jpeg'), kit);
    assert.ok(bytes.length <= PICTURE_BYTES);
    assert.deepEqual([info.width, info.height], [1440, 1080]);
    assert.equal(kit.closed, 1);
  });

  test('a browser that writes no WebP gets a JPEG', async () => {
    const kit = tools(0.1, { writes: ['image/jpeg'] });
    const { info } = await preparePicture(file(5_000_000, 'image/png'), kit);
    assert.equal(info.mime, 'image/jpeg');
  });

  test('one that does not fit at any size is refused', async () => {
    const kit = tools(100);
    await assert.rejects(preparePicture(file(5_000_000, 'image/png'), kit), PictureError);
    assert.equal(kit.closed, 1);
  });

  test('what is no picture is refused', async () => {
    const kit = { ...tools(1), open: () => Promise.reject(new Error('no')) };
    await assert.rejects(preparePicture(file(10, 'text/plain', 'notes.txt'), kit), /notes\.txt is not a picture/);
  });

  test('a huge file is not even opened', async () => {
    const huge = /** @type {any} */ ({ size: FILE_BYTES + 1, name: 'film.mov', type: 'video/quicktime' });
    await assert.rejects(preparePicture(huge, tools(1)), /film\.mov is too big: 64\.0 MiB/);
  });
});

test('the ladder goes down, keeps the shape and never enlarges', () => {
  const steps = ladder(4000, 1000);
  assert.deepEqual(steps[0], { width: 2560, height: 640, quality: 0.86 });
  assert.deepEqual(steps.at(-1), { width: 480, height: 120, quality: 0.72 });
  assert.ok(ladder(100, 50).every(({ width, height }) => width === 100 && height === 50));
  assert.deepEqual(ladder(10_000, 1).at(-1), { width: 480, height: 1, quality: 0.72 });
});

test('sizes are told in words', () => {
  assert.deepEqual([1, 1023, 2048, 1_572_864].map(sizeInWords), ['1 byte', '1023 bytes', '2 KiB', '1.5 MiB']);
});
