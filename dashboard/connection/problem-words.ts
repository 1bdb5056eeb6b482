// Owns how a refusal of the hub is said: what its problem document says, else its status.

import * as v from 'valibot';
import { ProblemSchema } from '../../contract/problem.ts';

/** One sentence that says what to do, where the hub said it. */
export function problemWords(body: unknown, status: number): string {
  if (status === 401) return 'the session is over; sign in again';
  const problem = v.safeParse(ProblemSchema, body);
  return problem.success ? problem.output.detail : `the hub answered ${status} and no reason`;
}
