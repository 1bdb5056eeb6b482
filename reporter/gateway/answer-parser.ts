// Owns reading HTTP/1.x answers: bytes of a connection in, one answer's head and body out. Pure. Strict where a mistake
// could pass a part off as the whole; requests of clients are read by node:http.

export type AnswerHead = {
  status: number;
  /** Names and values alternating, as they came. */
  rawHeaders: string[];
};

export type AnswerSink = {
  onHead(head: AnswerHead): void;
  /** Parts of the body without their framing; never empty. */
  onBody(bytes: Buffer): void;
};

const HEAD_MAX_BYTES = 64 * 1024;
/** A chunk's size with extensions; nobody sends any. */
const CHUNK_LINE_MAX_BYTES = 4096;
const HEAD_END = Buffer.from('\r\n\r\n');
const LF = 0x0a;
const NOTHING = Buffer.alloc(0);

const STATUS_LINE = /^HTTP\/1\.[01] (\d{3})(?: |$)/;
const HEADER_LINE = /^([!#$%&'*+.^_`|~0-9A-Za-z-]+):[ \t]*(.*?)[ \t]*$/s;
const CHUNK_LINE = /^([0-9A-Fa-f]{1,13})[ \t]*(?:;.*)?$/s;

type State = 'head' | 'sized' | 'until-close' | 'chunk-line' | 'chunk' | 'chunk-end' | 'trailers' | 'done';

/** What the bytes are instead of an answer, for an operator. */
class NoAnswer extends Error {}

export class AnswerParser {
  readonly #sink: AnswerSink;
  #state: State = 'head';
  /** The start of a head or line whose end has not come. */
  #kept: Buffer = NOTHING;
  /** Of the sized body, or of the chunk. */
  #leftBytes = 0;
  #trailerBytes = 0;

  constructor(sink: AnswerSink) {
    this.#sink = sink;
  }

  /** The whole answer is there; what follows is ignored. */
  get isDone(): boolean {
    return this.#state === 'done';
  }

  /** @returns what is wrong with the answer; after that it must be given nothing more. */
  push(bytes: Buffer): string | undefined {
    try {
      let rest = bytes;
      while (rest.length > 0 && !this.isDone) rest = this.#take(rest);
      return undefined;
    } catch (error) {
      if (error instanceof NoAnswer) return error.message;
      throw error;
    }
  }

  /** The connection was closed in order; true where that leaves a whole answer. */
  close(): boolean {
    if (this.#state === 'until-close') this.#state = 'done';
    return this.isDone;
  }

  /** Takes what the state can use, and returns the rest. */
  #take(bytes: Buffer): Buffer {
    switch (this.#state) {
      case 'head':
        return this.#head(bytes);
      case 'until-close':
        this.#sink.onBody(bytes);
        return NOTHING;
      case 'sized':
      case 'chunk':
        return this.#body(bytes);
      case 'chunk-line':
        return this.#line(bytes, (line) => this.#chunkLine(line));
      case 'chunk-end':
        return this.#line(bytes, (line) => {
          if (line !== '') throw new NoAnswer('a chunk is longer than it says');
          this.#state = 'chunk-line';
        });
      case 'trailers':
        return this.#line(bytes, (line) => this.#trailer(line));
      case 'done':
        return NOTHING;
      default:
        return this.#state satisfies never;
    }
  }

  #head(bytes: Buffer): Buffer {
    const all = this.#kept.length === 0 ? bytes : Buffer.concat([this.#kept, bytes]);
    const end = all.indexOf(HEAD_END);
    if ((end === -1 ? all.length : end) > HEAD_MAX_BYTES) throw new NoAnswer('its headers have no end');
    if (end === -1) {
      this.#kept = all;
      return NOTHING;
    }
    this.#kept = NOTHING;
    const [statusLine = '', ...lines] = all.toString('latin1', 0, end).split('\r\n');
    const status = Number(STATUS_LINE.exec(statusLine)?.[1] ?? NaN);
    if (Number.isNaN(status) || status < 100) throw new NoAnswer('it speaks no HTTP/1.1');
    if (status === 101) throw new NoAnswer('it wants another protocol');
    const rest = all.subarray(end + HEAD_END.length);
    // Early hints and `100 Continue` are no answer yet.
    if (status < 200) return rest;
    const rawHeaders = lines.flatMap(headerOf);
    this.#begin(status, rawHeaders);
    this.#sink.onHead({ status, rawHeaders });
    if (this.#state === 'sized' && this.#leftBytes === 0) this.#state = 'done';
    return rest;
  }

  /** RFC 9112, 6.3: how the length of a body is told. */
  #begin(status: number, rawHeaders: readonly string[]): void {
    const codings = valuesOf(rawHeaders, 'transfer-encoding');
    const lengths = new Set(valuesOf(rawHeaders, 'content-length'));
    const [length] = lengths;
    if (status === 204 || status === 304) this.#state = 'sized';
    else if (codings.length > 0) {
      // Nothing else was asked for, and what it is could not be told the client.
      if (codings.join().toLowerCase() !== 'chunked')
        throw new NoAnswer(`its body is coded as ${codings.join()}`);
      this.#state = 'chunk-line';
    } else if (length !== undefined) {
      if (lengths.size > 1 || !/^\d{1,15}$/.test(length))
        throw new NoAnswer('its content-length is no length');
      this.#state = 'sized';
      this.#leftBytes = Number(length);
    } else this.#state = 'until-close';
  }

  #body(bytes: Buffer): Buffer {
    const part = bytes.length <= this.#leftBytes ? bytes : bytes.subarray(0, this.#leftBytes);
    this.#leftBytes -= part.length;
    this.#sink.onBody(part);
    if (this.#leftBytes === 0) {
      if (this.#state === 'chunk') this.#state = 'chunk-end';
      else this.#state = 'done';
    }
    return bytes.subarray(part.length);
  }

  #chunkLine(line: string): void {
    const size = CHUNK_LINE.exec(line)?.[1];
    if (size === undefined) throw new NoAnswer('a chunk of it has no size');
    this.#leftBytes = Number.parseInt(size, 16);
    this.#state = this.#leftBytes === 0 ? 'trailers' : 'chunk';
  }

  #trailer(line: string): void {
    if (line === '') {
      this.#state = 'done';
      return;
    }
    this.#trailerBytes += line.length;
    if (this.#trailerBytes > HEAD_MAX_BYTES) throw new NoAnswer('its trailers have no end');
  }

  /** Hands the next line to `use`, without its end. */
  #line(bytes: Buffer, use: (line: string) => void): Buffer {
    const end = bytes.indexOf(LF);
    const part = end === -1 ? bytes : bytes.subarray(0, end + 1);
    const line = this.#kept.length === 0 ? part : Buffer.concat([this.#kept, part]);
    if (line.length > CHUNK_LINE_MAX_BYTES) throw new NoAnswer('a chunk of it has no size');
    this.#kept = end === -1 ? line : NOTHING;
    if (end === -1) return NOTHING;
    const text = line.toString('latin1', 0, line.length - 1);
    if (!text.endsWith('\r')) throw new NoAnswer('a line of its framing ends without CR');
    use(text.slice(0, -1));
    return bytes.subarray(part.length);
  }
}

function headerOf(line: string): string[] {
  const [, name, value] = HEADER_LINE.exec(line) ?? [];
  if (name === undefined || value === undefined) throw new NoAnswer('one of its headers is none');
  return [name, value];
}

/** Each value of a list apart. */
function valuesOf(rawHeaders: readonly string[], name: string): string[] {
  return rawHeaders.flatMap((value, index) =>
    index % 2 === 1 && rawHeaders[index - 1]?.toLowerCase() === name
      ? value.split(',').map((part) => part.trim())
      : [],
  );
}
