// Owns asking the hub for an act, and looking at its job: an answer becomes news that the page understands. Sent again
// under the same key an act is done once, so that a lost answer costs nothing.

import * as v from 'valibot';
import { BudgetRefusalSchema, CommandAcceptedSchema, JobSchema } from '../../contract/command.ts';
import type { ActInput } from '../view-model/action-cost.ts';
import type { ActKind } from '../view-model/action-plan.ts';
import type { ProgressNews } from '../view-model/action-progress.ts';
import { ask } from './ask.ts';
import { problemWords } from './problem-words.ts';
import { sessionIsOver } from './session.ts';

export type ActRequest = {
  kind: ActKind;
  node: string;
  runtime: string;
  input: ActInput;
  idempotencyKey: string;
};

const TIMEOUT_MS = 15_000;
const TRIES = 3;
const AGAIN_AFTER_MS = 700;

export async function requestAct(request: ActRequest): Promise<ProgressNews> {
  for (let tries = 1; ; tries += 1) {
    try {
      return await answerOf(await post(request));
    } catch {
      // The network, not the hub: it may have heard us or not, which the key makes the same.
      if (tries === TRIES) return { kind: 'refused', told: 'the hub cannot be reached; try again' };
      await new Promise((resolve) => setTimeout(resolve, AGAIN_AFTER_MS * tries));
    }
  }
}

/** Undefined where it cannot be told now: another look may. */
export async function lookAtJob(jobId: string): Promise<ProgressNews | undefined> {
  const answer = await ask(`orchestrator/jobs/${encodeURIComponent(jobId)}`, JobSchema);
  return answer.kind === 'ok' ? { kind: 'job', job: answer.value } : undefined;
}

/** Unguessable, and also on a page that came without TLS, where `randomUUID` is missing. */
export function newKey(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
}

function post({ kind, node, runtime, input, idempotencyKey }: ActRequest): Promise<Response> {
  const id = encodeURIComponent(`${node}/${runtime}`);
  return fetch(new URL(`orchestrator/runtimes/${id}/${kind}`, document.baseURI), {
    method: 'POST',
    headers: { 'content-type': 'application/json', 'idempotency-key': idempotencyKey },
    body: JSON.stringify(argsOf(kind, input)),
    signal: AbortSignal.timeout(TIMEOUT_MS),
  });
}

/** What the act takes, and nothing else: more would be refused. */
function argsOf(kind: ActKind, { model, preset, sandbox, after, force }: ActInput): Record<string, unknown> {
  switch (kind) {
    case 'restore':
      return force === true ? { force } : {};
    case 'drain':
      // oxlint-disable-next-line unicorn/no-thenable -- a word of the wire: a text, which nobody can call.
      return after === undefined ? {} : { then: after };
    case 'load':
    case 'unload':
      return { model };
    case 'switch':
      return { ...(preset !== undefined && { preset }), ...(sandbox !== undefined && { sandbox }) };
    case 'start':
    case 'shutdown':
    case 'undrain':
      return {};
    default:
      return kind satisfies never;
  }
}

async function answerOf(response: Response): Promise<ProgressNews> {
  if (response.status === 401) sessionIsOver();
  const body: unknown = await response.json();
  const accepted = v.safeParse(CommandAcceptedSchema, body);
  if (response.ok && accepted.success) {
    const { job_id: jobId, delivered } = accepted.output;
    return { kind: 'accepted', jobId, delivered };
  }
  const refusal = v.safeParse(BudgetRefusalSchema, body);
  if (refusal.success) return { kind: 'exhausted', budget: refusal.output.restart_budget };
  return { kind: 'refused', told: problemWords(body, response.status) };
}
