// Owns the stream in which one relayed answer leaves the hub: bytes in as they come, out as the reader takes them, those
// that wait together in one piece. How much can wait is bounded by the credit that its reading grants.

export type RelayBodyOptions = {
  /** So many bytes were taken. */
  onRead: (bytes: number) => void;
  /** The reader has gone. */
  onLeft: () => void;
};

/** A quarter of the window: a sender never runs out of credit for what is only not known to be written. */
const WATCHED_FROM_BYTES = 32 * 1024;

export class RelayBody {
  readonly readable: ReadableStream<Uint8Array>;
  readonly #options: RelayBodyOptions;
  #controller: ReadableStreamDefaultController<Uint8Array> | undefined;
  #waiting: Uint8Array[] = [];
  /** Bytes that the platform was handed, and has not written as far as is known. */
  #handed = 0;
  /**
   * Ends the sleep of `pull`. A call of it for each token would be a fifth of what a token costs, so it sleeps while
   * the reader keeps up: then what is handed over is taken at once, which tells the same.
   */
  #wake: (() => void) | undefined;
  #isOver = false;

  constructor(options: RelayBodyOptions) {
    this.#options = options;
    // No pipe of the platform: a write to one costs half as much again, in work and in garbage.
    this.readable = new ReadableStream<Uint8Array>(
      {
        start: (controller) => {
          this.#controller = controller;
        },
        pull: () => this.#give(),
        cancel: () => this.leave(),
      },
      { highWaterMark: 0 },
    );
  }

  push(bytes: Uint8Array): void {
    if (this.#isOver) return;
    if (this.#wake === undefined) this.#waiting.push(bytes);
    else this.#hand(bytes);
  }

  /** Nothing follows. */
  end(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    if (this.#waiting.length > 0) this.#controller?.enqueue(joined(this.#waiting));
    this.#waiting = [];
    this.#controller?.close();
  }

  /** The reader has gone: what waits is nobody's. */
  leave(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#waiting = [];
    this.#options.onLeft();
  }

  /** Whoever takes this has written what came before. */
  #hand(bytes: Uint8Array): void {
    this.#controller?.enqueue(bytes);
    const isTaken = this.#controller?.desiredSize === 0;
    if (isTaken) this.#read();
    this.#handed += bytes.byteLength;
    if (isTaken && this.#handed < WATCHED_FROM_BYTES) return;
    this.#wake?.();
    this.#wake = undefined;
  }

  /** The reader asks for more, so it has written all that it was handed. */
  #give(): Promise<void> | undefined {
    this.#read();
    if (this.#isOver) return undefined;
    if (this.#waiting.length === 0) return new Promise((resolve) => (this.#wake = resolve));
    const piece = joined(this.#waiting);
    this.#waiting = [];
    this.#handed = piece.byteLength;
    this.#controller?.enqueue(piece);
    return undefined;
  }

  #read(): void {
    const bytes = this.#handed;
    this.#handed = 0;
    if (bytes > 0) this.#options.onRead(bytes);
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
