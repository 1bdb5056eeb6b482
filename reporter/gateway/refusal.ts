// Owns how the gateway says no: an RFC 9457 problem document that OpenAI's clients can read too.

import type { ServerResponse } from 'node:http';
import { problem, type ProblemReason } from '../../contract/problem.ts';

export type Refusal = {
  reason: ProblemReason;
  /** One sentence, for whoever asked: what is the matter and what to do. */
  detail: string;
  headers?: Readonly<Record<string, string>>;
  extensions?: Record<string, unknown>;
};

/** The document, with the member in which OpenAI's clients look for the sentence. */
export function refusalDocument({ reason, detail, extensions }: Refusal) {
  const document = problem(reason, detail, extensions);
  const type = document.status >= 500 ? 'server_error' : 'invalid_request_error';
  const code = reason === 'unknown-model' ? 'model_not_found' : reason.replaceAll('-', '_');
  return { ...document, error: { message: detail, type, code, param: null } };
}

/** @returns the status that was answered. */
export function refuse(response: ServerResponse, refusal: Refusal): number {
  const document = refusalDocument(refusal);
  const body = Buffer.from(JSON.stringify(document));
  const request = response.req;
  response.writeHead(document.status, {
    'content-type': 'application/problem+json',
    'content-length': body.length,
    ...refusal.headers,
    // What is left of a body is not waited for.
    ...(!request.complete && { connection: 'close' }),
  });
  response.end(body);
  request.resume();
  return document.status;
}
