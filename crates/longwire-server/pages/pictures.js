/**
 * Makes a picture ready for sending: checked, and small enough for the server.
 *
 * Photographs are always drawn anew, even small ones: the file of a photograph tells where and when it was
 * taken, which is more than its sender means to tell a room of strangers.
 */

import { MAX_INFO, PICTURE_TYPES } from './messages.js';

/** A message may take 1 MiB at the server by default; this leaves room for one that is set up tighter. */
export const PICTURE_BYTES = 900 * 1024 - MAX_INFO;

/** Larger files are not even opened. */
export const FILE_BYTES = 64 * 1024 * 1024;

/** Drawn anew even when they are small enough: these carry where and when they were taken. */
const TELLING = ['image/jpeg', 'image/avif'];

/** @typedef {{ bytes: Uint8Array, info: import('./messages.js').PictureInfo, note: string }} Prepared */

/** What went wrong, in words for a person. */
export class PictureError extends Error {}

/**
 * @typedef {object} Tools
 * @property {(file: Blob) => Promise<ImageBitmap>} open
 * @property {(bitmap: ImageBitmap, size: { width: number, height: number }, type: string, quality: number) => Promise<Blob>} draw
 */

/** @type {Tools} */
const browserTools = { open: (file) => createImageBitmap(file), draw: drawOnCanvas };

/**
 * @param {File} file
 * @param {Tools} [tools]
 * @returns {Promise<Prepared>}
 * @throws {PictureError}
 */
export async function preparePicture(file, tools = browserTools) {
  if (file.size > FILE_BYTES) throw new PictureError(`${file.name} is too big: ${sizeInWords(file.size)}.`);
  const bitmap = await tools.open(file).catch(() => {
    throw new PictureError(`${file.name} is not a picture that this browser can open.`);
  });
  try {
    if (maySendAsIs(file)) return await asIs(file, bitmap);
    return await drawnAnew(file, bitmap, tools);
  } finally {
    bitmap.close();
  }
}

/**
 * The sizes and qualities to try, from the best to the smallest.
 * @param {number} width
 * @param {number} height
 * @returns {{ width: number, height: number, quality: number }[]}
 */
export function ladder(width, height) {
  const longest = Math.max(width, height);
  return [2560, 1920, 1440, 1080, 720, 480].flatMap((side) => {
    const scale = Math.min(1, side / longest);
    const size = { width: Math.max(1, Math.round(width * scale)), height: Math.max(1, Math.round(height * scale)) };
    return [0.86, 0.72].map((quality) => ({ ...size, quality }));
  });
}

/** @param {number} bytes */
export function sizeInWords(bytes) {
  if (bytes < 1024) return bytes === 1 ? '1 byte' : `${bytes} bytes`;
  if (bytes < 1024 * 1024) return `${Math.round(bytes / 1024)} KiB`;
  return `${(bytes / 1024 / 1024).toFixed(1)} MiB`;
}

/** @param {File} file */
function maySendAsIs(file) {
  return PICTURE_TYPES.includes(file.type) && !TELLING.includes(file.type) && file.size <= PICTURE_BYTES;
}

/** @param {File} file @param {ImageBitmap} bitmap @returns {Promise<Prepared>} */
async function asIs(file, { width, height }) {
  const bytes = new Uint8Array(await file.arrayBuffer());
  return { bytes, info: { mime: file.type, name: file.name, width, height }, note: sizeInWords(bytes.length) };
}

/** @param {File} file @param {ImageBitmap} bitmap @param {Tools} tools @returns {Promise<Prepared>} */
async function drawnAnew(file, bitmap, tools) {
  // WebP keeps transparency. A browser that cannot write it hands back a PNG instead, as the standard says.
  const types = file.type === 'image/jpeg' ? ['image/jpeg'] : ['image/webp', 'image/jpeg'];
  for (const type of types) {
    for (const { quality, ...size } of ladder(bitmap.width, bitmap.height)) {
      const blob = await tools.draw(bitmap, size, type, quality);
      if (blob.type !== type) break;
      if (blob.size > PICTURE_BYTES) continue;
      const bytes = new Uint8Array(await blob.arrayBuffer());
      return { bytes, info: { mime: type, name: file.name, ...size }, note: noteOf(file, bytes.length) };
    }
  }
  throw new PictureError(`${file.name} could not be made small enough to send.`);
}

/** @param {File} file @param {number} size */
function noteOf(file, size) {
  if (file.type === 'image/gif') return `too big to move: a still picture, ${sizeInWords(size)}`;
  if (size >= file.size) return sizeInWords(size);
  return `${sizeInWords(file.size)} → ${sizeInWords(size)}`;
}

/** @type {Tools['draw']} */
async function drawOnCanvas(bitmap, { width, height }, type, quality) {
  const canvas = document.createElement('canvas');
  canvas.width = width;
  canvas.height = height;
  const pen = canvas.getContext('2d');
  if (pen === null) throw new PictureError('This browser cannot draw pictures.');
  if (type === 'image/jpeg') {
    // JPEG knows no transparency, and would show it black.
    pen.fillStyle = 'white';
    pen.fillRect(0, 0, width, height);
  }
  pen.imageSmoothingQuality = 'high';
  pen.drawImage(bitmap, 0, 0, width, height);
  const blob = await new Promise((/** @type {BlobCallback} */ done) => canvas.toBlob(done, type, quality));
  if (blob === null) throw new PictureError('The picture could not be made ready.');
  return blob;
}
