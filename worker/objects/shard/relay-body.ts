// Owns the stream in which one relayed answer leaves the hub: bytes in as they come, out as the reader takes them, those
// that wait together in one piece. How much can wait is bounded by the credit that its reading grants.

export type RelayBodyOptions = {
  /** So many bytes were taken. */
  onRead: (bytes: number) => void;
  /** The reader has gone. */
  onLeft: () => void;
};

export class RelayBody {
  readonly readable: ReadableStream<Uint8Array>;
  readonly #options: RelayBodyOptions;
  readonly #writer: WritableStreamDefaultWriter<Uint8Array>;
  #waiting: Uint8Array[] = [];
  /** The reader has not taken what was written last. */
  #isWriting = false;
  #isEnded = false;
  #isOver = false;

  constructor(options: RelayBodyOptions) {
    this.#options = options;
    // The platform's own pipe: a write is done when the reader has taken it, and no script runs in between.
    const { readable, writable } = new IdentityTransformStream();
    this.readable = readable;
    this.#writer = writable.getWriter();
    this.#writer.closed.catch(() => this.leave());
  }

  push(bytes: Uint8Array): void {
    if (this.#isOver || this.#isEnded) return;
    this.#waiting.push(bytes);
    this.#give();
  }

  /** Nothing follows. */
  end(): void {
    this.#isEnded = true;
    this.#give();
  }

  /** The reader has gone: what waits is nobody's. */
  leave(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#waiting = [];
    this.#options.onLeft();
  }

  #give(): void {
    if (this.#isOver || this.#isWriting) return;
    if (this.#waiting.length === 0) {
      if (this.#isEnded) this.#close();
      return;
    }
    const piece = joined(this.#waiting);
    this.#waiting = [];
    this.#isWriting = true;
    this.#writer.write(piece).then(
      () => {
        this.#isWriting = false;
        this.#options.onRead(piece.byteLength);
        this.#give();
      },
      () => this.leave(),
    );
  }

  #close(): void {
    this.#isOver = true;
    // A reader that is gone by then misses nothing.
    this.#writer.close().catch(() => undefined);
  }
}

export function joined(pieces: readonly Uint8Array[]): Uint8Array {
  const [only] = pieces;
  if (pieces.length === 1 && only !== undefined) return only;
  const whole = new Uint8Array(pieces.reduce((sum, piece) => sum + piece.byteLength, 0));
  let at = 0;
  for (const piece of pieces) {
    whole.set(piece, at);
    at += piece.byteLength;
  }
  return whole;
}
