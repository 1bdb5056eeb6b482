// Owns how fragments become bytes: all at once, or one chunk after the other as fast as the reader takes them.

import type { Fragment } from '../../domain/fragment.ts';

/** Large enough that few chunks cross from object to worker, small enough that none of them counts. */
const CHUNK_LENGTH = 128 * 1024;

const encoder = new TextEncoder();

export function joinedText(fragments: readonly Fragment[]): Uint8Array {
  return encoder.encode(fragments.map(({ text }) => text).join(','));
}

/** Nothing is made before it is asked for. */
export function joinedStream(fragments: Iterator<Fragment>): ReadableStream<Uint8Array> {
  let separator = '';
  return new ReadableStream<Uint8Array>(
    {
      pull(controller) {
        const texts: string[] = [];
        for (let length = 0; length < CHUNK_LENGTH;) {
          const { done, value } = fragments.next();
          if (done === true) break;
          texts.push(separator, value.text);
          separator = ',';
          length += value.text.length;
        }
        if (texts.length === 0) controller.close();
        else controller.enqueue(encoder.encode(texts.join('')));
      },
    },
    { highWaterMark: 0 },
  );
}
