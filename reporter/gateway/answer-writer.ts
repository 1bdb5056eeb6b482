// Owns writing an answer to the client: what came together goes on together, in one write. A token of a stream is a write,
// so its price is what the gateway costs.

import type { ServerResponse } from 'node:http';

const CRLF = Buffer.from('\r\n');

export class AnswerWriter {
  readonly #response: ServerResponse;
  #isHeadTold = false;

  constructor(response: ServerResponse) {
    this.#response = response;
  }

  /** The head alone, after `writeHead`. */
  flush(): void {
    this.#isHeadTold = true;
    this.#response.flushHeaders();
  }

  /** After `writeHead`. False where the client is slower than the runtime: go on after `drain` of it or of its socket. */
  write(parts: readonly Buffer[]): boolean {
    const response = this.#response;
    const { socket } = response;
    // An earlier answer still has the connection: node:http keeps this one until then.
    if (socket === null) return response.write(Buffer.concat(parts));
    if (this.#isHeadTold && response.chunkedEncoding) return socket.write(frameOf(parts));
    socket.cork();
    if (!this.#isHeadTold) this.flush();
    // node:http decides how the body is framed: an HTTP/1.0 client knows no chunks. Its own way is four writes a chunk.
    const hasRoom = response.chunkedEncoding
      ? socket.write(frameOf(parts))
      : response.write(Buffer.concat(parts));
    socket.uncork();
    return hasRoom;
  }

  end(): void {
    this.#response.end();
  }
}

/** One chunk of RFC 9112, 7.1. */
function frameOf(parts: readonly Buffer[]): Buffer {
  let bytes = 0;
  for (const part of parts) bytes += part.length;
  return Buffer.concat([Buffer.from(`${bytes.toString(16)}\r\n`, 'latin1'), ...parts, CRLF]);
}
