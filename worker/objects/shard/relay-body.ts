// Owns the stream in which one relayed answer leaves the hub: bytes in as they come, out as the reader takes them, those
// that wait together in one piece. How much can wait is bounded by the credit that its reading grants. A part of the answer
// that comes as the body of a request passes through the platform alone, and no script sees it.

/** How a part of an answer ended: as its sender ended it, broken off, or because the reader has gone. */
export type PartEnd = 'whole' | 'broken' | 'left';

export type RelayBodyOptions = {
  /** A pipe of the platform: a write is over once its bytes were taken. */
  pipe: { readable: ReadableStream<Uint8Array>; writable: WritableStream<Uint8Array> };
  /** So many bytes of those that were pushed were taken. */
  onRead: (bytes: number) => void;
  /** The reader has gone. */
  onLeft: () => void;
};

type Part = { source: ReadableStream<Uint8Array>; ended: (end: PartEnd) => void };

export class RelayBody {
  readonly readable: ReadableStream<Uint8Array>;
  readonly #options: RelayBodyOptions;
  #writer: WritableStreamDefaultWriter<Uint8Array>;
  #waiting: (Uint8Array | Part)[] = [];
  #isWriting = false;
  #isEnded = false;
  #isOver = false;

  constructor(options: RelayBodyOptions) {
    this.#options = options;
    this.readable = options.pipe.readable;
    this.#writer = options.pipe.writable.getWriter();
  }

  push(bytes: Uint8Array): void {
    if (this.#isEnded) return;
    this.#waiting.push(bytes);
    this.#writeOn();
  }

  /**
   * What follows comes from there, until that ends; what is pushed meanwhile comes after it. Whoever wants no more of it
   * ends the request whose body it is.
   */
  move(source: ReadableStream<Uint8Array>): Promise<PartEnd> {
    if (this.#isEnded) return Promise.resolve('left');
    return new Promise((ended) => {
      this.#waiting.push({ source, ended });
      this.#writeOn();
    });
  }

  /** Nothing follows. */
  end(): void {
    if (this.#isEnded) return;
    this.#isEnded = true;
    this.#writeOn();
  }

  /** The reader has gone: what waits is nobody's. */
  leave(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#isEnded = true;
    for (const part of this.#waiting) if (!(part instanceof Uint8Array)) part.ended('left');
    this.#waiting = [];
    this.#options.onLeft();
  }

  #writeOn(): void {
    if (this.#isWriting || this.#isOver) return;
    this.#isWriting = true;
    void this.#writeAll();
  }

  async #writeAll(): Promise<void> {
    try {
      for (let next = this.#next(); next !== undefined; next = this.#next()) {
        if (next instanceof Uint8Array) {
          await this.#writer.write(next);
          this.#options.onRead(next.byteLength);
        } else next.ended(await this.#pass(next.source));
      }
      this.#isWriting = false;
      if (!this.#isEnded || this.#isOver) return;
      this.#isOver = true;
      await this.#writer.close();
    } catch {
      // Only a reader that has gone makes a write fail.
      this.leave();
    }
  }

  /** All bytes up to the next part, in one piece. */
  #next(): Uint8Array | Part | undefined {
    const pieces: Uint8Array[] = [];
    for (const next of this.#waiting) {
      if (!(next instanceof Uint8Array)) {
        if (pieces.length > 0) break;
        this.#waiting.shift();
        return next;
      }
      pieces.push(next);
    }
    this.#waiting.splice(0, pieces.length);
    return pieces.length === 0 ? undefined : joined(pieces);
  }

  async #pass(source: ReadableStream<Uint8Array>): Promise<PartEnd> {
    const { writable } = this.#options.pipe;
    this.#writer.releaseLock();
    let end: PartEnd = 'whole';
    try {
      // Without a signal: one that comes while a slow reader holds up a write would break the pipe with it.
      await source.pipeTo(writable, { preventClose: true, preventAbort: true });
    } catch {
      // Who broke it off is seen by what is left.
      end = 'broken';
    }
    this.#writer = writable.getWriter();
    return end === 'broken' && this.#writer.desiredSize === null ? 'left' : end;
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
