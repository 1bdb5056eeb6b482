// Owns one call of a receiver: bounded in time, without redirects, under the headers of Standard Webhooks.

import type { Failure } from '../../domain/alert-delivery.ts';
import { signWebhook } from '../../crypto.ts';
import { targetOrigin, withoutPath } from './target.ts';

const LIMIT_MS = 10_000;
const TOLD_MAX = 200;

export type WebhookCall = {
  url: string;
  /** What a receiver that gets it twice knows it by. */
  id: string;
  secret: string | null;
  body: string;
  now: number;
};
export type Called = { ok: true; status: number } | { ok: false; failure: Failure };

/** What alerts need beyond their own storage; a test hands in others. */
export type Outside = {
  now: () => number;
  /** In [0, 1). */
  chance: () => number;
  call: (call: WebhookCall) => Promise<Called>;
};

export const OUTSIDE: Outside = { now: () => Date.now(), chance: () => Math.random(), call: callWebhook };

/** Never rejects: what goes wrong is the answer. */
async function callWebhook(call: WebhookCall): Promise<Called> {
  // A timer that is cleared: one that runs on would keep the object awake for the rest of its time.
  const limit = new AbortController();
  const timer = setTimeout(() => limit.abort(), LIMIT_MS);
  try {
    return await send(call, limit.signal);
  } catch {
    // The platform's words may hold the URL, which is a secret; and say little else.
    const host = targetOrigin(call.url);
    const why = limit.signal.aborted ? `did not answer within ${LIMIT_MS / 1000} s` : 'cannot be reached';
    return { ok: false, failure: { message: `${host} ${why}` } };
  } finally {
    clearTimeout(timer);
  }
}

async function send({ url, id, secret, body, now }: WebhookCall, signal: AbortSignal): Promise<Called> {
  const timestamp = String(Math.floor(now / 1000));
  const signature = secret === null ? undefined : await signWebhook(secret, `${id}.${timestamp}.${body}`);
  const response = await fetch(url, {
    method: 'POST',
    // Whoever is trusted to be called is not trusted to send the hub elsewhere.
    redirect: 'manual',
    headers: {
      'content-type': 'application/json',
      'user-agent': 'runtime-matrix',
      'webhook-id': id,
      'webhook-timestamp': timestamp,
      ...(signature !== undefined && { 'webhook-signature': `v1,${signature}` }),
    },
    body,
    signal,
  });
  const { status } = response;
  if (response.ok) {
    await response.body?.cancel();
    return { ok: true, status };
  }
  const asked = Number(response.headers.get('retry-after') ?? Number.NaN);
  const isRedirect = status >= 300 && status < 400;
  const words = isRedirect ? 'redirects are not followed' : await firstWords(response, url);
  const message = `${targetOrigin(url)} answered ${status}${words === '' ? '' : ` (${words})`}`;
  const failure = { status, message, ...(Number.isFinite(asked) && { retryAfterSeconds: asked }) };
  return { ok: false, failure };
}

/** What the answer begins with; the rest is not waited for. */
async function firstWords(response: Response, url: string): Promise<string> {
  const reader = response.body?.pipeThrough(new TextDecoderStream()).getReader();
  const first = await reader?.read();
  await reader?.cancel();
  // Many an error page names the path that was asked for.
  return withoutPath(first?.value ?? '', url)
    .replace(/\s+/g, ' ')
    .trim()
    .slice(0, TOLD_MAX);
}
