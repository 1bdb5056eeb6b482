// Owns how long an isolate may show a view again, and that all who look at the same moment ask the objects once.

import { Waiting } from './waiting.ts';

/** Whole, or a stream for one reader. A blob's bytes are read where they lie: an array is copied for each answer. */
export type Body = Blob | ReadableStream<Uint8Array>;

/** A view as it is answered; `body` is undefined where the reader has it already. */
export type View = { etag: string; body: Body | undefined };

/** What the objects said, and until when it may be shown, by this isolate's clock. */
export type Asked = { etag: string; body: Body; until: number };

/** Who reads: what it has, and a way to go on where it does not wait to the end. */
export type Reader = {
  has: (etag: string) => boolean;
  waitUntil: (work: Promise<unknown>) => void;
};

/** A body that is too large to be kept is undefined: its tag is known, which is enough for who has it. */
type Kept = { etag: string; body: Blob | undefined; until: number };

/** Filters make many views; the oldest ones make room. */
const MAX_KEPT = 32;
const MAX_KEPT_BYTES = 16 * 1024 * 1024;

export class ViewCache {
  readonly #kept = new Map<string, Kept>();
  readonly #asking = new Map<string, Waiting<Kept>>();

  /** @param ask asks the objects; it is told the time, since the way counts against how long the answer may be shown. */
  async show(key: string, reader: Reader, ask: (now: number) => Promise<Asked>): Promise<View> {
    const now = Date.now();
    const kept = this.#kept.get(key);
    const ready = kept !== undefined && now < kept.until ? readyFor(reader, kept) : undefined;
    if (ready !== undefined) return ready;
    // Streams cannot be shared: each reader of a large view has its own.
    if (kept !== undefined && kept.body === undefined) return this.#ask(key, ask(now));
    const asking = this.#asking.get(key);
    if (asking?.isPromising(now) === true) {
      const told = await asking.told();
      return (told && readyFor(reader, told)) ?? this.#ask(key, ask(Date.now()));
    }
    return this.#askForAll(key, reader, ask(now), now);
  }

  async #askForAll(key: string, reader: Reader, asked: Promise<Asked>, since: number): Promise<View> {
    const asking = new Waiting<Kept>(since);
    this.#asking.set(key, asking);
    const tell = (kept: Kept | undefined): void => {
      if (this.#asking.get(key) === asking) this.#asking.delete(key);
      asking.tell(kept);
    };
    const answer = this.#ask(key, asked);
    // The others are answered also where this reader goes.
    reader.waitUntil(
      answer.then(
        () => tell(this.#kept.get(key)),
        () => tell(undefined),
      ),
    );
    return answer;
  }

  async #ask(key: string, asked: Promise<Asked>): Promise<View> {
    const { etag, body, until } = await asked;
    this.#kept.delete(key);
    this.#kept.set(key, { etag, until, body: body instanceof Blob ? body : undefined });
    this.#makeRoom();
    return { etag, body };
  }

  #makeRoom(): void {
    let size = 0;
    for (const { body } of this.#kept.values()) size += body?.size ?? 0;
    for (const [key, { body }] of this.#kept) {
      if (this.#kept.size <= 1 || (this.#kept.size <= MAX_KEPT && size <= MAX_KEPT_BYTES)) return;
      size -= body?.size ?? 0;
      this.#kept.delete(key);
    }
  }
}

function readyFor(reader: Reader, { etag, body }: Kept): View | undefined {
  if (reader.has(etag)) return { etag, body: undefined };
  return body && { etag, body };
}
