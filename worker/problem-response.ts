// Owns how a problem document leaves the hub over HTTP.

import { problem as problemOf, type Problem } from '../contract/problem.ts';

export function problemResponse(problem: Problem, headers: Record<string, string> = {}): Response {
  const challenge = problem.status === 401 ? { 'www-authenticate': 'Bearer realm="runtime-matrix"' } : {};
  return new Response(JSON.stringify(problem), {
    status: problem.status,
    headers: { 'content-type': 'application/problem+json', ...challenge, ...headers },
  });
}

/** The answer to a bug or to the platform's failure, whose words are for the log alone. */
export function failureResponse(
  { method, url }: Request,
  requestId: string,
  error: unknown,
  headers: Record<string, string> = {},
): Response {
  console.error(`Request ${requestId} failed: ${method} ${new URL(url).pathname}`, error);
  return problemResponse(
    problemOf('internal', `The hub's log tells more under request id ${requestId}`),
    headers,
  );
}
