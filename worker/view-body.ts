// Owns how the bodies of several cuts become one answer: whole where all of them are, else a stream that holds no more
// than a chunk of them at a time.

import type { Body } from './view-cache.ts';

/** What a shard has of a view. */
type Piece = Uint8Array | ReadableStream<Uint8Array>;

const encoder = new TextEncoder();
const COMMA = encoder.encode(',');

/** `head`, the parts that are not empty with commas between them, `tail`. */
export function joinedBody(head: string, parts: readonly Piece[], tail: string): Body {
  const pieces = [encoder.encode(head), ...withCommas(parts), encoder.encode(tail)];
  return isWhole(pieces) ? new Blob(pieces) : streamed(pieces);
}

function withCommas(parts: readonly Piece[]): Piece[] {
  const filled = parts.filter((part) => !(part instanceof Uint8Array) || part.length > 0);
  return filled.flatMap((part, index) => (index === 0 ? [part] : [COMMA, part]));
}

function isWhole(pieces: readonly Piece[]): pieces is Uint8Array[] {
  return pieces.every((piece) => piece instanceof Uint8Array);
}

function streamed(pieces: readonly Piece[]): ReadableStream<Uint8Array> {
  const { readable, writable } = new IdentityTransformStream();
  // A failure breaks the answer off, so that nobody takes a part for the whole.
  void pump(pieces, writable).catch(() => undefined);
  return readable;
}

/** Streams are read in turn: those that wait are held back at their shards. */
async function pump(pieces: readonly Piece[], to: WritableStream<Uint8Array>): Promise<void> {
  const left = [...pieces];
  try {
    for (let piece = left.shift(); piece !== undefined; piece = left.shift()) {
      if (!(piece instanceof Uint8Array)) {
        await piece.pipeTo(to, { preventClose: true });
        continue;
      }
      const writer = to.getWriter();
      await writer.write(piece);
      writer.releaseLock();
    }
    await to.close();
  } finally {
    // Where the reader went, or a shard failed, nobody reads the others.
    await Promise.allSettled(left.flatMap((piece) => (piece instanceof Uint8Array ? [] : [piece.cancel()])));
  }
}
