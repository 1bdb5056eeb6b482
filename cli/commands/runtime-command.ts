// Owns `arw-cli runtime restore|start|shutdown`: asks for a command and, with --wait, follows it to its end.

import * as v from 'valibot';
import {
  BudgetRefusalSchema,
  CommandAcceptedSchema,
  isFinalJobState,
  JobSchema,
  type CommandAccepted,
  type CommandKind,
  type Job,
  type RestoreArgs,
} from '../../contract/command.ts';
import { CliError, EXIT } from '../errors.ts';
import { askHub, expectBody, type Hub } from '../hub-client.ts';
import { print, printJson, progress } from '../output.ts';
import { budgetWords } from '../render/budget.ts';

const FIRST_LOOK_MS = 100;
const LOOK_EVERY_MS = 1_000;

export type FollowOptions = { json?: boolean; wait?: boolean; timeout: number };

export async function runtimeCommand(
  hub: Hub,
  kind: CommandKind,
  id: string,
  args: RestoreArgs,
  options: FollowOptions,
): Promise<void> {
  const response = await askHub(hub, 'POST', `orchestrator/runtimes/${encodeURIComponent(id)}/${kind}`, args);
  const refusal = v.safeParse(BudgetRefusalSchema, response.body);
  if (response.status === 429 && refusal.success) {
    if (options.json === true) printJson(response.body);
    const { node, runtime_id, restart_budget } = refusal.output;
    throw new CliError(
      EXIT.failed,
      `restart budget of ${node}/${runtime_id} is exhausted: ${budgetWords(restart_budget)}; ` +
        'wait for the reset, or add --force',
    );
  }
  const accepted = expectBody(hub, response, CommandAcceptedSchema);
  if (options.wait === true) return follow(hub, kind, accepted, options);
  if (options.json === true) return printJson(accepted);
  print(acceptedWords(kind, accepted));
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
  const deadlineMs = Date.now() + options.timeout * 1000;
  let told: Job['state'] | undefined;
  for (let delayMs = FIRST_LOOK_MS; ; delayMs = Math.min(LOOK_EVERY_MS, delayMs * 2)) {
    const answer = await askHub(hub, 'GET', `orchestrator/jobs/${encodeURIComponent(accepted.job_id)}`);
    const job = expectBody(hub, answer, JobSchema);
    if (isFinalJobState(job.state)) return conclude(kind, job, options);
    if (job.state !== told) progress(`${job.state}…`);
    told = job.state;
    if (Date.now() >= deadlineMs) {
      throw new CliError(
        EXIT.failed,
        `job ${job.job_id} is still ${job.state} after ${options.timeout} s; it goes on, and expires at ${job.expires_at}`,
      );
    }
    await new Promise((resolve) => {
      setTimeout(resolve, delayMs);
    });
  }
}

function conclude(kind: CommandKind, job: Job, options: FollowOptions): void {
  if (options.json === true) printJson(job);
  if (job.state !== 'completed') {
    const reason = job.error === undefined ? '' : `: ${job.error.message}`;
    throw new CliError(EXIT.failed, `${kind} of ${job.node}/${job.runtime_id} ${job.state}${reason}`);
  }
  if (options.json !== true) print(`${kind} of ${job.node}/${job.runtime_id} completed`);
}
