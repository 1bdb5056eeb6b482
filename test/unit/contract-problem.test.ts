// The one table of expected failures.

import { expect, test } from 'vitest';
import * as v from 'valibot';
import { problem, problemReason, ProblemSchema, type ProblemReason } from '../../contract/problem.ts';

const statuses: Record<ProblemReason, number> = {
  'malformed-body': 400,
  'unknown-frame': 400,
  'alert-unusable': 400,
  'model-required': 400,
  unauthorized: 401,
  forbidden: 403,
  'join-token-invalid': 403,
  'not-found': 404,
  'unknown-node': 404,
  'unknown-runtime': 404,
  'unknown-model': 404,
  'unknown-job': 404,
  'unknown-relay': 404,
  'unknown-action': 404,
  'unknown-alert': 404,
  'method-not-allowed': 405,
  'ambiguous-runtime': 409,
  'node-exists': 409,
  'node-mismatch': 409,
  'socket-needed': 409,
  'too-late': 409,
  'too-many-alerts': 409,
  'not-admitted': 409,
  'body-too-large': 413,
  'unsupported-media-type': 415,
  'foreign-host': 421,
  'key-taken': 422,
  'upgrade-required': 426,
  'budget-exhausted': 429,
  'too-many-readers': 429,
  'too-many-subscribers': 429,
  'too-many-relays': 429,
  'queue-full': 429,
  'alert-failed': 502,
  'runtime-failed': 502,
  'runtime-not-ready': 503,
  internal: 500,
  'node-too-old': 501,
  'node-failed': 502,
  'node-offline': 503,
  'shard-unreached': 503,
  'gateway-full': 503,
  'node-silent': 504,
};
const reasons = Object.keys(statuses).filter((key): key is ProblemReason => key in statuses);

test.each(reasons)('%s is a valid problem document whose reason can be read back', (reason) => {
  const document = problem(reason, 'Do this instead');
  expect(v.is(ProblemSchema, document)).toBe(true);
  expect(document.status).toBe(statuses[reason]);
  expect(problemReason(document)).toBe(reason);
});

test('extensions are carried, and cannot replace the members of the standard', () => {
  const document = problem('ambiguous-runtime', 'Name the node', {
    nodes: ['a', 'b'],
    status: 200,
    type: 'x',
  });
  expect(document).toMatchObject({ nodes: ['a', 'b'], status: 409, detail: 'Name the node' });
  expect(problemReason(document)).toBe('ambiguous-runtime');
});

test.each([
  'about:blank',
  'urn:runtime-matrix:problem:',
  'urn:runtime-matrix:problem:of-the-future',
  'urn:runtime-matrix:problem:toString',
  'urn:runtime-matrix:problem:constructor',
  'https://proxy.example/errors/unauthorized',
])('%s is no reason of ours', (type) => {
  expect(problemReason({ type, title: 'T', status: 400, detail: 'D' })).toBeUndefined();
});
