// Owns the connections to the runtimes, one for each request, and how a request is written to one. What node:http's own
// client does beyond that is time before the first token.

import { validateHeaderValue } from 'node:http';
import { connect as connectPlain, isIP, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import type { Endpoint } from '../backends/backend.ts';

/**
 * A connection is used once. llama-server closes it after each streamed answer, although it announces
 * `Keep-Alive: timeout=5`; a request that meets such a close fails, and as nobody can tell whether it was read, it could
 * not be sent again. An idle connection would also hold one of llama-server's few HTTP threads. A new one costs a tenth
 * of a millisecond on loopback.
 */
const ONCE = 'Connection: close\r\n';

/** Up to here copying costs less than a second piece of a write. */
const JOINED_MAX_BYTES = 16 * 1024;

/** How the body is told apart from what follows it: by its length, or in chunks where that is not known yet. */
export type BodyLength = { bytes: number } | 'chunked';

type Target = { isTls: boolean; host: string; port: number; authority: string; basePath: string };

/** Endpoints live as long as what they belong to, and are read once. */
const targets = new WeakMap<Endpoint, Target>();

export type Sent = {
  /** As the client asked; it goes below the path that the endpoint itself has. */
  path: string;
  headers: Readonly<Record<string, string | string[]>>;
  length: BodyLength;
};

export class Upstream {
  readonly socket: Socket;
  /** The event of the socket after which something may have been sent. */
  readonly connectedEvent: 'connect' | 'secureConnect';
  readonly #head: string;
  readonly #isChunked: boolean;

  /** @throws where a header cannot be sent. */
  constructor(endpoint: Endpoint, sent: Sent) {
    const target = targetOf(endpoint);
    this.#head = headOf(target, sent);
    this.#isChunked = sent.length === 'chunked';
    this.connectedEvent = target.isTls ? 'secureConnect' : 'connect';
    this.socket = connectTo(target);
  }

  /** Writes the head and the start of the body, which is the whole of it unless `write` and `end` follow. */
  begin(start: Buffer): void {
    const { socket } = this;
    if (!this.#isChunked && start.length <= JOINED_MAX_BYTES) {
      socket.write(Buffer.concat([Buffer.from(this.#head, 'latin1'), start]));
      return;
    }
    socket.cork();
    socket.write(this.#head, 'latin1');
    this.write(start);
    socket.uncork();
  }

  /** False where the runtime is slower than the client: go on after `drain`. */
  write(bytes: Buffer): boolean {
    const { socket } = this;
    if (!this.#isChunked) return socket.write(bytes);
    if (bytes.length === 0) return true;
    socket.cork();
    socket.write(`${bytes.length.toString(16)}\r\n`, 'latin1');
    socket.write(bytes);
    const hasRoom = socket.write('\r\n', 'latin1');
    socket.uncork();
    return hasRoom;
  }

  /** The body is whole. The connection stays open both ways: a server takes its closing for the client's going. */
  end(): void {
    if (this.#isChunked) this.socket.write('0\r\n\r\n', 'latin1');
  }
}

function connectTo({ isTls, host, port }: Target): Socket {
  if (!isTls) return connectPlain({ host, port, noDelay: true });
  // A name is checked against the certificate; an address cannot be asked for by SNI.
  const servername = isIP(host) === 0 ? host : '';
  const socket = connectTls({ host, port, servername, ALPNProtocols: ['http/1.1'] });
  return socket.setNoDelay(true);
}

function headOf({ authority, basePath }: Target, { path, headers, length }: Sent): string {
  let head = `POST ${basePath}${path} HTTP/1.1\r\nHost: ${authority}\r\n`;
  for (const [name, values] of Object.entries(headers)) {
    for (const value of typeof values === 'string' ? [values] : values) {
      validateHeaderValue(name, value);
      head += `${name}: ${value}\r\n`;
    }
  }
  head += length === 'chunked' ? 'Transfer-Encoding: chunked\r\n' : `Content-Length: ${length.bytes}\r\n`;
  return `${head}${ONCE}\r\n`;
}

function targetOf(endpoint: Endpoint): Target {
  const known = targets.get(endpoint);
  if (known !== undefined) return known;
  const { protocol, hostname, port, pathname, host: authority } = new URL(endpoint.origin);
  const isTls = protocol === 'https:';
  const target = {
    isTls,
    host: hostname.replace(/^\[|\]$/g, ''),
    port: port === '' ? (isTls ? 443 : 80) : Number(port),
    authority,
    basePath: pathname.replace(/\/+$/, ''),
  };
  targets.set(endpoint, target);
  return target;
}
