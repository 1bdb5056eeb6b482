// Owns one HTTP request to its end: status and bounded body, or an error. By node:http, since `fetch` costs a program
// that runs for months 12 MB of memory, more than all else of ours together.

import { request as requestPlain, type RequestOptions } from 'node:http';
import { request as requestTls } from 'node:https';

export type HttpAnswer = { status: number; body: string };

export type HttpRequest = {
  method: string;
  headers: Readonly<Record<string, string>>;
  body?: string;
  /** A longer body is an error: a stranger's endless answer must not fill our memory. */
  maxBytes: number;
  /** Ends the request when it is not answered to its end by then. */
  timeoutMs: number;
  signal: AbortSignal;
};

/** The whole answer did not come in time. */
export class HttpTimeout extends Error {
  override readonly name = 'HttpTimeout';
}

/**
 * Asks once; redirects are answers and are not followed. Each request has a connection of its own: an idle one would
 * hold a thread of a small server.
 * @throws HttpTimeout, the system's error, or an AbortError once `signal` has aborted.
 */
export function httpRequest(url: URL, options: HttpRequest): Promise<HttpAnswer> {
  const { method, headers, body, maxBytes, timeoutMs, signal } = options;
  return new Promise((resolve, reject) => {
    const start = url.protocol === 'https:' ? requestTls : requestPlain;
    const length = body === undefined ? {} : { 'content-length': String(Buffer.byteLength(body)) };
    const settings: RequestOptions = {
      method,
      headers: { connection: 'close', ...headers, ...length },
      signal,
    };
    const asked = start(url, settings, (answer) => {
      const chunks: Buffer[] = [];
      let sizeBytes = 0;
      answer.on('data', (chunk: Buffer) => {
        sizeBytes += chunk.byteLength;
        if (sizeBytes > maxBytes) asked.destroy(new Error(`the body is larger than ${maxBytes} bytes`));
        else chunks.push(chunk);
      });
      answer.once('error', (error) => fail(error));
      answer.once('end', () => {
        clearTimeout(deadline);
        resolve({ status: answer.statusCode ?? 0, body: Buffer.concat(chunks).toString('utf8') });
      });
    });
    const deadline = setTimeout(
      () => asked.destroy(new HttpTimeout(`no answer within ${timeoutMs} ms`)),
      timeoutMs,
    );
    function fail(error: Error): void {
      clearTimeout(deadline);
      reject(error);
    }
    asked.once('error', fail);
    asked.end(body);
  });
}
