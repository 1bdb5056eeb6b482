// Owns one reader of a bench: a kept connection over which it asks again as soon as it is answered. Node's own client
// costs more than the servers that are measured; this one looks at the head of an answer and counts the rest.

import { connect, type Socket } from 'node:net';
import { once } from 'node:events';

/** What one answer was; `bytes` are those of its body, `ms` the time until its last one. */
export type Read = { status: number; etag: string; bytes: number; ms: number };

const HEAD_END = '\r\n\r\n';
/** The end of a chunked body; neither JSON nor an exposition has it inside. */
const LAST_CHUNK = '\r\n0\r\n\r\n';
const BUFFER_BYTES = 256 * 1024;

type Asked = { startedMs: number; resolve: (read: Read) => void; reject: (error: Error) => void };

export class Reader {
  readonly #socket: Socket;
  readonly #host: string;
  #asked: Asked | undefined;
  /** Of the answer that is coming: its head, and after that how much is left of its body. */
  #head = '';
  /** What came of a head that is not whole. */
  #begun = Buffer.alloc(0);
  #status = 0;
  #left = 0;
  #tail = '';
  #bytes = 0;
  #isBody = false;

  private constructor(url: string) {
    const { hostname, port, host } = new URL(url);
    this.#host = host;
    this.#socket = connect({
      host: hostname,
      port: Number(port),
      onread: {
        buffer: Buffer.alloc(BUFFER_BYTES),
        callback: (size, buffer) => {
          this.#take(Buffer.from(buffer.buffer, buffer.byteOffset, size));
          return true;
        },
      },
    });
    this.#socket.setNoDelay(true);
    this.#socket.on('error', (error) => this.#asked?.reject(error));
    this.#socket.on('close', () => this.#asked?.reject(new Error(`${host} closed the connection`)));
  }

  static async open(url: string): Promise<Reader> {
    const reader = new Reader(url);
    await once(reader.#socket, 'connect');
    return reader;
  }

  read(path: string, headers: Readonly<Record<string, string>> = {}): Promise<Read> {
    const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
    return new Promise((resolve, reject) => {
      this.#asked = { startedMs: performance.now(), resolve, reject };
      this.#socket.write(`GET ${path} HTTP/1.1\r\nhost: ${this.#host}\r\n${lines.join('')}\r\n`);
    });
  }

  close(): void {
    this.#socket.removeAllListeners('close');
    this.#socket.destroy();
  }

  #take(chunk: Buffer): void {
    if (this.#isBody) return this.#takeBody(chunk);
    // What is behind the head is no text of ours: whoever keeps a part of a text keeps all of it.
    const coming = this.#begun.length === 0 ? chunk : Buffer.concat([this.#begun, chunk]);
    const end = coming.indexOf(HEAD_END);
    if (end < 0) {
      this.#begun = Buffer.from(coming);
      return;
    }
    this.#begun = Buffer.alloc(0);
    this.#head = coming.toString('latin1', 0, end);
    const rest = coming.subarray(end + HEAD_END.length);
    this.#status = Number(this.#head.slice(9, 12));
    const isChunked = /\r\ntransfer-encoding: chunked/i.test(this.#head);
    const length = Number(/\r\ncontent-length: (\d+)/i.exec(this.#head)?.[1] ?? 0);
    this.#left = this.#status === 304 ? 0 : isChunked ? Infinity : length;
    this.#bytes = 0;
    this.#tail = '';
    this.#isBody = true;
    this.#takeBody(rest);
  }

  #takeBody(chunk: Buffer): void {
    this.#bytes += chunk.length;
    if (this.#left === Infinity) {
      this.#tail = (this.#tail + chunk.subarray(-LAST_CHUNK.length).toString('latin1')).slice(
        -LAST_CHUNK.length,
      );
      if (this.#tail !== LAST_CHUNK) return;
    } else if (this.#bytes < this.#left) {
      return;
    }
    const asked = this.#asked;
    const etag = /\r\netag: ([^\r]+)/i.exec(this.#head)?.[1] ?? '';
    const read = { status: this.#status, etag, bytes: this.#bytes, ms: 0 };
    this.#isBody = false;
    this.#head = '';
    this.#asked = undefined;
    asked?.resolve({ ...read, ms: performance.now() - asked.startedMs });
  }
}
