// Owns one look over HTTP: an answer, or the reason why there was none, in words.

import { codeOf, messageOf, rootOf } from '../errors.ts';

/** `timeout` is kept apart: it means unknown for figures, and only for liveness does it mean trouble. */
export type HttpLook =
  | { kind: 'answer'; status: number; body: string; latencyMs: number }
  | { kind: 'timeout'; reason: string }
  | { kind: 'unreachable'; reason: string };

export type HttpLookOptions = {
  timeoutMs: number;
  signal: AbortSignal;
  method?: string;
  headers?: Record<string, string>;
  body?: string;
};

/** No figure of a healthy server is larger; a stranger's endless body must not fill our memory. */
const BODY_MAX_BYTES = 4 * 1024 * 1024;

export async function look(url: string, options: HttpLookOptions): Promise<HttpLook> {
  const timeout = AbortSignal.timeout(options.timeoutMs);
  const startedMs = performance.now();
  try {
    const response = await fetch(url, {
      method: options.method ?? 'GET',
      headers: options.headers ?? {},
      ...(options.body !== undefined && { body: options.body }),
      redirect: 'manual',
      signal: AbortSignal.any([timeout, options.signal]),
    });
    const body = await boundedText(response);
    return { kind: 'answer', status: response.status, body, latencyMs: performance.now() - startedMs };
  } catch (error) {
    if (timeout.aborted) return { kind: 'timeout', reason: `timeout after ${options.timeoutMs} ms` };
    if (options.signal.aborted) return { kind: 'unreachable', reason: 'the look was cancelled' };
    return { kind: 'unreachable', reason: reasonOf(error) };
  }
}

async function boundedText(response: Response): Promise<string> {
  if (response.body === null) return '';
  const chunks: Uint8Array[] = [];
  let sizeBytes = 0;
  for await (const chunk of response.body as AsyncIterable<Uint8Array>) {
    sizeBytes += chunk.byteLength;
    if (sizeBytes > BODY_MAX_BYTES) throw new Error(`the body is larger than ${BODY_MAX_BYTES} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

/** `fetch` hides the system's reason in `cause`. */
function reasonOf(error: unknown): string {
  const code = codeOf(error);
  if (code === 'ECONNREFUSED') return 'connection refused';
  if (code === 'ECONNRESET' || code === 'UND_ERR_SOCKET') return 'connection closed by the server';
  if (code !== undefined) return code;
  return messageOf(rootOf(error));
}
