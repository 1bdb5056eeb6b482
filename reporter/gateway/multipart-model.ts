// Owns finding the `model` field of a multipart form while it arrives. Pure.

import type { Finding, ModelFinder } from './model-finder.ts';

/** A part's headers and a model's name fit in this, so a field that is cut by a chunk's end is found with the next. */
const OVERLAP_BYTES = 1024;
const FIELD =
  /content-disposition:[^\r\n]{0,256};[ \t]*name="?model"?[^\r\n]{0,256}\r\n(?:[^\r\n]{1,256}\r\n){0,4}\r\n([^\r\n]{1,256})\r\n/i;

export class MultipartModelFinder implements ModelFinder {
  #tail: Buffer = Buffer.alloc(0);

  #count = 0;

  /** Instead of `push`: how often the field came so far. */
  count(chunk: Buffer): number {
    let window = Buffer.concat([this.#tail, chunk]);
    for (
      let found = FIELD.exec(window.toString('latin1'));
      found;
      found = FIELD.exec(window.toString('latin1'))
    ) {
      this.#count += 1;
      window = window.subarray(found.index + found[0].length);
    }
    this.#tail = window.subarray(-OVERLAP_BYTES);
    return this.#count;
  }

  push(chunk: Buffer): Finding {
    const window = Buffer.concat([this.#tail, chunk]);
    // One character a byte: whatever a recording holds, nothing is lost or moved.
    const name = FIELD.exec(window.toString('latin1'))?.[1];
    if (name !== undefined) return { kind: 'found', name: Buffer.from(name, 'latin1').toString('utf8') };
    this.#tail = window.subarray(-OVERLAP_BYTES);
    return { kind: 'more' };
  }
}
