// Owns an act on a runtime: asks the hub for it and, where that is wanted, follows its job to the end.

import { setTimeout as delay } from 'node:timers/promises';
import * as v from 'valibot';
import {
  BudgetRefusalSchema,
  CommandAcceptedSchema,
  isFinalJobState,
  type BudgetRefusal,
  type CommandAccepted,
  type CommandKind,
  type Job,
} from '../../contract/command.ts';
import { CliError, EXIT } from '../errors.ts';
import { askHub, expectBody, type Hub } from '../hub-client.ts';
import { print, printJson, progress } from '../output.ts';
import { Waiting } from '../terminal/waiting.ts';
import { jobOf } from './job-show.ts';
import { budgetWords } from '../render/budget.ts';
import { endWords } from '../render/job-end.ts';

const FIRST_LOOK_MS = 100;
const LOOK_EVERY_MS = 1_000;

export type Act = { kind: CommandKind; id: string; args: Record<string, unknown> };

export type FollowOptions = { json: boolean; wait: boolean; timeoutSeconds: number };

export async function runtimeCommand(hub: Hub, act: Act, options: FollowOptions): Promise<void> {
  const { kind, id, args } = act;
  const response = await askHub(hub, 'POST', `orchestrator/runtimes/${encodeURIComponent(id)}/${kind}`, args);
  const refusal = v.safeParse(BudgetRefusalSchema, response.body);
  if (response.status === 429 && refusal.success) {
    if (options.json) printJson(response.body);
    throw new CliError(EXIT.failed, refusalWords(kind, refusal.output));
  }
  const accepted = expectBody(hub, response, CommandAcceptedSchema);
  if (options.wait) return follow(hub, kind, accepted, options);
  if (options.json) return printJson(accepted);
  print(acceptedWords(kind, accepted));
}

function refusalWords(kind: CommandKind, { node, runtime_id, restart_budget }: BudgetRefusal): string {
  const name = `${node}/${runtime_id}`;
  const instead =
    kind === 'restore'
      ? 'add --force'
      : `raise it with "arw-cli runtime budget --id ${name} --max-restarts ${restart_budget.used + 1}"`;
  return `restart budget of ${name} is exhausted: ${budgetWords(restart_budget)}; wait for the reset, or ${instead}`;
}

function acceptedWords(kind: CommandKind, accepted: CommandAccepted): string {
  const name = `${accepted.node}/${accepted.runtime_id}`;
  const budget = accepted.restart_budget === undefined ? '' : `; ${budgetWords(accepted.restart_budget)}`;
  const where = accepted.delivered ? 'sent to its node' : 'queued until its node is heard again';
  return `${kind} of ${name} accepted, ${where}${budget}; job ${accepted.job_id}`;
}

async function follow(
  hub: Hub,
  kind: CommandKind,
  accepted: CommandAccepted,
  options: FollowOptions,
): Promise<void> {
  progress(acceptedWords(kind, accepted));
  const name = `${kind} of ${accepted.node}/${accepted.runtime_id}`;
  const waiting = new Waiting(`${name}: queued`);
  const left = new AbortController();
  const leave = (): void => left.abort();
  process.once('SIGINT', leave);
  try {
    const deadlineMs = Date.now() + options.timeoutSeconds * 1000;
    for (let delayMs = FIRST_LOOK_MS; ; delayMs = Math.min(LOOK_EVERY_MS, delayMs * 2)) {
      const job = await jobOf({ ...hub, signal: left.signal }, accepted.job_id);
      waiting.say(`${name}: ${job.state}`);
      if (isFinalJobState(job.state)) {
        waiting.stop();
        return conclude(job, options);
      }
      if (Date.now() >= deadlineMs) throw new CliError(EXIT.failed, stillOpen(job, options.timeoutSeconds));
      await delay(delayMs, undefined, { signal: left.signal });
    }
  } catch (error) {
    waiting.stop();
    if (left.signal.aborted) throw new CliError(EXIT.interrupted, goesOn(accepted.job_id));
    throw error;
  } finally {
    process.off('SIGINT', leave);
  }
}

function goesOn(id: string): string {
  return `interrupted: job ${id} goes on; "arw-cli job cancel ${id}" takes it back where its node has not begun`;
}

/** What its node has taken does not expire any more. */
function stillOpen(job: Job, timeoutSeconds: number): string {
  const expiry = job.state === 'running' ? '' : `, and expires at ${job.expires_at}`;
  return `job ${job.job_id} is still ${job.state} after ${timeoutSeconds} s; it goes on${expiry}`;
}

function conclude(job: Job, options: FollowOptions): void {
  if (options.json) printJson(job);
  if (job.state !== 'completed') throw new CliError(EXIT.failed, endWords(job));
  if (!options.json) print(endWords(job));
}
