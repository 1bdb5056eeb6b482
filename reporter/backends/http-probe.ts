// Owns one look over HTTP: an answer, or the reason why there was none, in words.

import { codeOf, messageOf, rootOf } from '../errors.ts';
import { httpRequest, HttpTimeout } from '../http-request.ts';

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
  const { timeoutMs, signal, method = 'GET', headers = {}, body } = options;
  const startedMs = performance.now();
  try {
    const answer = await httpRequest(new URL(url), {
      method,
      headers,
      ...(body !== undefined && { body }),
      maxBytes: BODY_MAX_BYTES,
      timeoutMs,
      signal,
    });
    return { kind: 'answer', ...answer, latencyMs: performance.now() - startedMs };
  } catch (error) {
    if (error instanceof HttpTimeout) return { kind: 'timeout', reason: `timeout after ${timeoutMs} ms` };
    if (signal.aborted) return { kind: 'unreachable', reason: 'the look was cancelled' };
    return { kind: 'unreachable', reason: reasonOf(error) };
  }
}

function reasonOf(error: unknown): string {
  const code = codeOf(error);
  if (code === 'ECONNREFUSED') return 'connection refused';
  if (code === 'ECONNRESET') return 'connection closed by the server';
  return code ?? messageOf(rootOf(error));
}
