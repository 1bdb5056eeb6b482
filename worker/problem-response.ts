// Owns how a problem document leaves the hub over HTTP.

import type { Problem } from '../contract/problem.ts';

export function problemResponse(problem: Problem, headers: Record<string, string> = {}): Response {
  const challenge = problem.status === 401 ? { 'www-authenticate': 'Bearer realm="runtime-matrix"' } : {};
  return new Response(JSON.stringify(problem), {
    status: problem.status,
    headers: { 'content-type': 'application/problem+json', ...challenge, ...headers },
  });
}
