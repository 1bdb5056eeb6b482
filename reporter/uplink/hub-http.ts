// Owns requests to the hub: one JSON body there, one back, and every failure as a fault in words.

import * as v from 'valibot';
import { codeOf, messageOf, rootOf } from '../errors.ts';
import { httpRequest, HttpTimeout, type HttpAnswer } from '../http-request.ts';
import { problemReason, ProblemSchema, type ProblemReason } from '../../contract/problem.ts';

export type HubFault =
  /** Nobody answered, or not in time. */
  | { kind: 'away'; message: string }
  /** The hub itself said no, with a problem document. */
  | { kind: 'refused'; status: number; reason: ProblemReason | undefined; message: string }
  /** Somebody answered who is no hub: a proxy, a captive portal, another server. */
  | { kind: 'not-a-hub'; status: number; message: string };

export type HubAnswer<T> = { ok: true; value: T } | { ok: false; fault: HubFault };

export type HubRequest<T> = {
  url: URL;
  token?: string;
  /** The text of a JSON body. */
  body: string;
  /** Undefined: a 2xx without a body is the answer. */
  schema: v.GenericSchema<unknown, T>;
  signal: AbortSignal;
};

const TIMEOUT_MS = 10_000;
/** As for the frames of a socket. */
const ANSWER_MAX_BYTES = 32 * 1024 * 1024;

export async function postToHub<T>(request: HubRequest<T>): Promise<HubAnswer<T>> {
  let answer: HttpAnswer;
  try {
    answer = await httpRequest(request.url, {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        ...(request.token !== undefined && { authorization: `Bearer ${request.token}` }),
      },
      body: request.body,
      maxBytes: ANSWER_MAX_BYTES,
      timeoutMs: TIMEOUT_MS,
      signal: request.signal,
    });
  } catch (error) {
    const reason = error instanceof HttpTimeout ? `no answer within ${TIMEOUT_MS / 1000} s` : causeOf(error);
    return {
      ok: false,
      fault: { kind: 'away', message: `The hub at ${request.url.origin} is away: ${reason}` },
    };
  }
  const { status, body: text } = answer;
  if (status < 200 || status >= 300) return { ok: false, fault: faultOfAnswer(request.url, status, text) };
  const body = v.safeParse(request.schema, status === 204 ? undefined : parseJson(text));
  if (body.success) return { ok: true, value: body.output };
  return { ok: false, fault: notAHub(request.url, status) };
}

/** The fault that an HTTP answer tells, given by a hub or by somebody on the way. */
export function faultOfAnswer(url: URL, status: number, text: string): HubFault {
  const document = v.safeParse(ProblemSchema, parseJson(text));
  if (!document.success) return notAHub(url, status);
  const { title, detail } = document.output;
  const message = `The hub answered ${status}: ${title}. ${detail}`;
  return { kind: 'refused', status, reason: problemReason(document.output), message };
}

function notAHub(url: URL, status: number): HubFault {
  return {
    kind: 'not-a-hub',
    status,
    message: `${url.origin} answered ${status}, but not as a hub does; check --hub`,
  };
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    // Not JSON: the schema of what was expected says so.
    return undefined;
  }
}

export function causeOf(error: unknown): string {
  const code = codeOf(error);
  if (code === 'ECONNREFUSED') return 'connection refused';
  if (code === 'ENOTFOUND') return 'its name does not resolve';
  return messageOf(rootOf(error)) || (code ?? 'unknown error');
}
