// Owns one HTTP request whose answer comes piece by piece, for as long as it takes. By node:http, since `fetch` gives up
// where nothing comes for 300 s, and an engine may read a prompt for longer.

import { request as requestPlain, type IncomingMessage } from 'node:http';
import { request as requestTls } from 'node:https';

/** So often the system asks whether the other side is still there. */
const KEEP_ALIVE_MS = 60_000;

export type StreamRequest = {
  headers: Readonly<Record<string, string>>;
  /** Makes it a POST. */
  body?: string;
  /** How long the head of the answer may take; what follows it has no limit. */
  headWithinMs: number;
  signal: AbortSignal;
};

/** The head of the answer; its pieces are text. Redirects are answers. @throws the system's error. */
export function requestStream(url: URL, request: StreamRequest): Promise<IncomingMessage> {
  const { headers, body, headWithinMs, signal } = request;
  return new Promise((resolve, reject) => {
    const start = url.protocol === 'https:' ? requestTls : requestPlain;
    const length = body === undefined ? {} : { 'content-length': String(Buffer.byteLength(body)) };
    const settings = {
      method: body === undefined ? 'GET' : 'POST',
      headers: { connection: 'close', ...headers, ...length },
      signal,
    };
    const asked = start(url, settings, (answer) => {
      clearTimeout(deadline);
      answer.setEncoding('utf8');
      // Whoever reads the pieces is told of it; before that it must not end the program.
      answer.on('error', () => undefined);
      resolve(answer);
    });
    const deadline = setTimeout(
      () => asked.destroy(new Error(`no answer within ${headWithinMs / 1000} s`)),
      headWithinMs,
    );
    asked.on('error', (error) => {
      clearTimeout(deadline);
      reject(error);
    });
    asked.setSocketKeepAlive(true, KEEP_ALIVE_MS);
    asked.end(body);
  });
}
