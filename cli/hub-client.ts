// Owns requests of the command line to a hub: one answer checked against the contract, faults as sentences.

import type { IncomingMessage } from 'node:http';
import * as v from 'valibot';
import { ProblemSchema, type Problem } from '../contract/problem.ts';
import { CliError, EXIT } from './errors.ts';
import { requestStream } from './http-stream.ts';

const TIMEOUT_MS = 15_000;

/** `remedy` says what to do where the token is refused; `signal` ends whatever is asked under it. */
export type Hub = { url: URL; token: string | undefined; remedy: string; signal?: AbortSignal };

export type HubResponse = { status: number; body: unknown };

/** Asks the hub. Any HTTP answer is an answer. @throws CliError where none comes. */
export async function askHub(
  hub: Hub,
  method: 'GET' | 'POST' | 'PUT' | 'DELETE',
  path: string,
  body?: unknown,
): Promise<HubResponse> {
  const { status, text } = await ask(hub, method, path, body);
  return { status, body: jsonOf(hub, status, text) };
}

export type Look = {
  status: number;
  text: string;
  /** The time that the hub tells. */
  date: string | undefined;
  askedAtMs: number;
  answeredAtMs: number;
};

/** An answer as it came, and when: what a doctor judges. @throws CliError where none comes. */
export async function lookAt(hub: Hub, path: string): Promise<Look> {
  const askedAtMs = Date.now();
  const { status, text, headers } = await ask(hub, 'GET', path);
  return { status, text, date: headers.get('date') ?? undefined, askedAtMs, answeredAtMs: Date.now() };
}

async function ask(
  hub: Hub,
  method: string,
  path: string,
  body?: unknown,
): Promise<{ status: number; headers: Headers; text: string }> {
  try {
    const response = await fetch(new URL(path, hub.url), {
      method,
      headers: headersFor(hub, 'application/json', body),
      signal: AbortSignal.any([AbortSignal.timeout(TIMEOUT_MS), ...(hub.signal ? [hub.signal] : [])]),
      ...(body !== undefined && { body: JSON.stringify(body) }),
    });
    return { status: response.status, headers: response.headers, text: await response.text() };
  } catch (error) {
    throw unreachable(hub, error);
  }
}

function headersFor(hub: Hub, accept: string, body: unknown): Record<string, string> {
  return {
    accept,
    ...(hub.token !== undefined && { authorization: `Bearer ${hub.token}` }),
    ...(body !== undefined && { 'content-type': 'application/json' }),
  };
}

export type StreamAsk = {
  signal: AbortSignal;
  headers?: Record<string, string>;
  /** Makes it a POST. */
  body?: unknown;
  /** How long the head of the answer may take; what is then streamed has no limit. */
  headWithinMs?: number;
};

export type HubStream = {
  /** @param name in small letters. */
  header: (name: string) => string | undefined;
  chunks: AsyncIterable<string>;
};

/**
 * Asks for a text that comes piece by piece, for as long as it takes. @throws CliError where no good answer comes, also
 * from the pieces where they break off.
 */
export async function streamHub(
  hub: Hub,
  path: string,
  { signal, headers = {}, body: sent, headWithinMs = TIMEOUT_MS }: StreamAsk,
): Promise<HubStream> {
  let answer: IncomingMessage;
  try {
    answer = await requestStream(new URL(path, hub.url), {
      headers: { ...headersFor(hub, 'text/event-stream, text/plain, application/json', sent), ...headers },
      signal,
      headWithinMs,
      ...(sent !== undefined && { body: JSON.stringify(sent) }),
    });
  } catch (error) {
    throw unreachable(hub, error);
  }
  const status = answer.statusCode ?? 0;
  if (status >= 400) throw refused(hub, { status, body: jsonOf(hub, status, await whole(hub, answer)) });
  if (status < 200 || status >= 300) throw notAHub(hub, status);
  return { header: (name) => answer.headersDistinct[name]?.[0], chunks: pieces(hub, answer) };
}

async function whole(hub: Hub, answer: IncomingMessage): Promise<string> {
  let text = '';
  for await (const piece of pieces(hub, answer)) text += piece;
  return text;
}

async function* pieces(hub: Hub, answer: IncomingMessage): AsyncGenerator<string> {
  try {
    for await (const text of answer) yield String(text);
  } catch (error) {
    throw new CliError(
      EXIT.unreachable,
      `the stream from ${hub.url.origin} broke off (${reasonOf(error)}); ask again to go on`,
      { cause: error },
    );
  }
}

function jsonOf(hub: Hub, status: number, text: string): unknown {
  try {
    return text === '' ? undefined : JSON.parse(text);
  } catch {
    throw notAHub(hub, status);
  }
}

function unreachable(hub: Hub, error: unknown): CliError {
  return new CliError(
    EXIT.unreachable,
    `the hub at ${hub.url.origin} cannot be reached (${reasonOf(error)}); ${hintFor(hub, error)}`,
    { cause: error },
  );
}

function hintFor({ url }: Hub, error: unknown): string {
  const code = codeOf(error);
  if (/CERT|SIGNATURE|SSL|TLS|ISSUER/.test(code)) {
    return 'mend its certificate, or name its own authority in NODE_EXTRA_CA_CERTS';
  }
  if (code === 'ENOTFOUND') return `check the name ${url.hostname}, and the DNS of this host`;
  return 'is it running, and is ARW_HUB_URL right?';
}

function codeOf(error: unknown): string {
  const cause = error instanceof Error ? (error.cause ?? error) : error;
  return cause instanceof Error && 'code' in cause && typeof cause.code === 'string' ? cause.code : '';
}

/** The body of a good answer. @throws CliError for every other. */
export function expectBody<T>(hub: Hub, response: HubResponse, schema: v.GenericSchema<unknown, T>): T {
  if (response.status >= 400) throw refused(hub, response);
  const parsed = v.safeParse(schema, response.body);
  if (!parsed.success) throw notAHub(hub, response.status);
  return parsed.output;
}

/** For an answer that has nothing to say but that it is done. @throws CliError for every other. */
export function expectDone(hub: Hub, response: HubResponse): void {
  if (response.status >= 400) throw refused(hub, response);
  if (response.status !== 204) throw notAHub(hub, response.status);
}

function refused(hub: Hub, { status, body }: HubResponse): CliError {
  const document = v.safeParse(ProblemSchema, body);
  if (!document.success) return notAHub(hub, status);
  if (status === 401 || status === 403) {
    return new CliError(EXIT.unauthorized, `${sentence(document.output)}; ${hub.remedy}`);
  }
  return new CliError(EXIT.failed, sentence(document.output));
}

function sentence({ title, detail }: Problem): string {
  return detail === '' ? title : `${title}: ${detail}`;
}

function notAHub(hub: Hub, status: number): CliError {
  return new CliError(
    EXIT.unreachable,
    `${hub.url.origin} answered ${status}, but not as a hub does; check ARW_HUB_URL or --hub`,
  );
}

function reasonOf(error: unknown): string {
  if (error instanceof DOMException && error.name === 'TimeoutError')
    return `no answer within ${TIMEOUT_MS / 1000} s`;
  if (codeOf(error) === 'ECONNREFUSED') return 'connection refused';
  if (codeOf(error) === 'ENOTFOUND') return 'its name does not resolve';
  const cause = error instanceof Error ? (error.cause ?? error) : error;
  return cause instanceof Error ? cause.message : String(cause);
}
