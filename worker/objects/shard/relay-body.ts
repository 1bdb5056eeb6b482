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
  #controller: ReadableStreamDefaultController<Uint8Array> | undefined;
  #waiting: Uint8Array[] = [];
  /** The reader waits for the next bytes. */
  #isWanted = false;
  #isEnded = false;
  #isOver = false;

  constructor(options: RelayBodyOptions) {
    this.#options = options;
    this.readable = new ReadableStream<Uint8Array>(
      {
        start: (controller) => {
          this.#controller = controller;
        },
        pull: () => {
          this.#isWanted = true;
          this.#give();
        },
        cancel: () => this.leave(),
      },
      // Nothing is taken ahead of the reader.
      { highWaterMark: 0 },
    );
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
    if (this.#isOver) return;
    if (this.#isWanted && this.#waiting.length > 0) {
      const piece = joined(this.#waiting);
      this.#waiting = [];
      this.#isWanted = false;
      this.#controller?.enqueue(piece);
      this.#options.onRead(piece.byteLength);
    }
    if (!this.#isEnded || this.#waiting.length > 0) return;
    this.#isOver = true;
    this.#controller?.close();
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
