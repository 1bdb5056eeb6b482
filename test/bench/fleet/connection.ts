// Owns one kept connection over which a bench asks an HTTP server, one request after the other. Node's own client costs
// more than what is measured; this one knows what the servers measured here answer with, and fails at anything else.

import { connect, type Socket } from 'node:net';
import { once } from 'node:events';

export type Answer = { status: number; body: string };

type Asked = { text: string; resolve: (answer: Answer) => void; reject: (error: Error) => void };

const HEAD_END = '\r\n\r\n';

export class Connection {
  readonly #url: URL;
  #socket: Socket;
  /** The first one is on its way. */
  readonly #asked: Asked[] = [];
  #chunks: Buffer[] = [];

  private constructor(url: URL) {
    this.#url = url;
    this.#socket = this.#connected();
  }

  static async open(url: string): Promise<Connection> {
    const connection = new Connection(new URL(url));
    await once(connection.#socket, 'connect');
    return connection;
  }

  /** What does not change between requests: the request line and the headers, the length left out. */
  head(method: string, path: string, headers: Readonly<Record<string, string>> = {}): string {
    const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
    return `${method} ${path} HTTP/1.1\r\nhost: ${this.#url.host}\r\n${lines.join('')}`;
  }

  /** Sends a request once those before are answered, and resolves with its answer. */
  ask(head: string, body = ''): Promise<Answer> {
    return new Promise((resolve, reject) => {
      const text = `${head}content-length: ${Buffer.byteLength(body)}${HEAD_END}${body}`;
      if (this.#asked.push({ text, resolve, reject }) > 1) return;
      // A server closes what was not used for some seconds.
      if (this.#socket.destroyed) this.#socket = this.#connected();
      this.#socket.write(text);
    });
  }

  close(): void {
    this.#socket.removeAllListeners('close');
    this.#socket.destroy();
  }

  #connected(): Socket {
    const { hostname, port, host } = this.#url;
    const socket = connect({ host: hostname, port: Number(port), noDelay: true });
    socket.on('data', (chunk: Buffer) => this.#take(chunk));
    socket.on('end', () => socket.destroy());
    // The end of one that was replaced says nothing of what the next one carries.
    const fail = (error: Error): void => {
      if (socket === this.#socket) this.#fail(error);
    };
    socket.on('error', fail);
    socket.on('close', () => fail(new Error(`${host} closed the connection`)));
    return socket;
  }

  #take(chunk: Buffer): void {
    this.#chunks.push(chunk);
    const text = Buffer.concat(this.#chunks).toString('latin1');
    const headEnd = text.indexOf(HEAD_END);
    if (headEnd < 0) return;
    const head = text.slice(0, headEnd).toLowerCase();
    const status = Number(head.slice(9, 12));
    const rest = text.slice(headEnd + HEAD_END.length);
    const body = isChunked(head) ? unchunked(rest) : ofLength(rest, head, status);
    if (body === undefined) return;
    this.#chunks = [];
    this.#asked.shift()?.resolve({ status, body });
    const [next] = this.#asked;
    if (next !== undefined) this.#socket.write(next.text);
  }

  #fail(error: Error): void {
    for (const { reject } of this.#asked.splice(0)) reject(error);
  }
}

function isChunked(head: string): boolean {
  return head.includes('\r\ntransfer-encoding: chunked');
}

function ofLength(rest: string, head: string, status: number): string | undefined {
  const told = /\r\ncontent-length: (\d+)/.exec(head)?.[1];
  if (told === undefined && status !== 204) throw new Error(`an answer without a length: ${head}`);
  const length = Number(told ?? 0);
  return rest.length < length ? undefined : rest.slice(0, length);
}

/** Undefined while the last chunk is not there. */
function unchunked(rest: string): string | undefined {
  let body = '';
  for (let at = 0; ;) {
    const lineEnd = rest.indexOf('\r\n', at);
    if (lineEnd < 0) return undefined;
    const length = Number.parseInt(rest.slice(at, lineEnd), 16);
    const end = lineEnd + 2 + length;
    if (rest.length < end + 2) return undefined;
    if (length === 0) return body;
    body += rest.slice(lineEnd + 2, end);
    at = end + 2;
  }
}
