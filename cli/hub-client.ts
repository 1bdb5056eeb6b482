// Owns requests of the command line to a hub: settings, one answer checked against the contract, faults as sentences.

import * as v from 'valibot';
import { ProblemSchema, type Problem } from '../contract/problem.ts';
import { CliError, EXIT } from './errors.ts';

const DEFAULT_HUB_URL = 'http://127.0.0.1:8787';
const TIMEOUT_MS = 15_000;

/** `signal` ends whatever is asked under it. */
export type Hub = { url: URL; token: string | undefined; signal?: AbortSignal };

export type HubFlags = { hub?: string; token?: string };

/** Flags before environment before the hub at home. @throws CliError */
export function hubFrom(flags: HubFlags, env: Readonly<Record<string, string | undefined>>): Hub {
  const text = flags.hub ?? (env['ARW_HUB_URL'] || DEFAULT_HUB_URL);
  const url = URL.parse(text.endsWith('/') ? text : `${text}/`);
  if (url === null || !/^https?:$/.test(url.protocol)) {
    throw new CliError(
      EXIT.usage,
      `"${text}" is no hub URL; set --hub or ARW_HUB_URL to one like https://hub.example`,
    );
  }
  return { url, token: flags.token ?? (env['ARW_ADMIN_TOKEN'] || undefined) };
}

export type HubResponse = { status: number; body: unknown };

/** Asks the hub. Any HTTP answer is an answer. @throws CliError where none comes. */
export async function askHub(
  hub: Hub,
  method: 'GET' | 'POST' | 'DELETE',
  path: string,
  body?: unknown,
): Promise<HubResponse> {
  const headers: Record<string, string> = { accept: 'application/json' };
  if (hub.token !== undefined) headers['authorization'] = `Bearer ${hub.token}`;
  if (body !== undefined) headers['content-type'] = 'application/json';
  let status: number;
  let text: string;
  try {
    const response = await fetch(new URL(path, hub.url), {
      method,
      headers,
      signal: AbortSignal.any([AbortSignal.timeout(TIMEOUT_MS), ...(hub.signal ? [hub.signal] : [])]),
      ...(body !== undefined && { body: JSON.stringify(body) }),
    });
    status = response.status;
    text = await response.text();
  } catch (error) {
    throw unreachable(hub, error);
  }
  return { status, body: jsonOf(hub, status, text) };
}

/**
 * Asks for a text that comes piece by piece, for as long as it takes. @throws CliError where no good answer comes, also
 * from the pieces where they break off.
 */
export async function streamHub(hub: Hub, path: string, signal: AbortSignal): Promise<AsyncIterable<string>> {
  const headers = hub.token === undefined ? {} : { authorization: `Bearer ${hub.token}` };
  // Until it answers; what it then streams has no limit.
  const slow = new AbortController();
  const timer = setTimeout(() => slow.abort(new DOMException('', 'TimeoutError')), TIMEOUT_MS);
  let response: Response;
  try {
    response = await fetch(new URL(path, hub.url), {
      headers,
      signal: AbortSignal.any([signal, slow.signal]),
    });
  } catch (error) {
    throw unreachable(hub, error);
  } finally {
    clearTimeout(timer);
  }
  const { status, body } = response;
  if (status >= 400) throw refused(hub, { status, body: jsonOf(hub, status, await response.text()) });
  if (body === null) throw notAHub(hub, status);
  return pieces(hub, body);
}

async function* pieces(hub: Hub, body: ReadableStream<Uint8Array>): AsyncGenerator<string> {
  try {
    for await (const text of body.pipeThrough(new TextDecoderStream())) yield text;
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
    `the hub at ${hub.url.origin} cannot be reached (${reasonOf(error)}); is it running, and is ARW_HUB_URL right?`,
    { cause: error },
  );
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
    const how =
      hub.token === undefined ? 'set ARW_ADMIN_TOKEN or --token' : 'check ARW_ADMIN_TOKEN or --token';
    return new CliError(EXIT.unauthorized, `${sentence(document.output)}; ${how}`);
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
  const cause = error instanceof Error ? (error.cause ?? error) : error;
  if (cause instanceof Error && 'code' in cause && cause.code === 'ECONNREFUSED') return 'connection refused';
  return cause instanceof Error ? cause.message : String(cause);
}
