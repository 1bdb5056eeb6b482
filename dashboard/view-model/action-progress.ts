// Owns the life of one act as the page tells it: sent, accepted, on its way, at its end, or refused. Answers, events and
// looks at the job all come in here, in any order; what is older than what is known changes nothing.

import { isFinalJobState, type Job, type JobState } from '../../contract/command.ts';
import type { RestartBudget } from '../../contract/runtime-record.ts';
import { RUNTIME_STATES, stateLabel } from '../../contract/words.ts';
import { spentWords } from './action-cost.ts';
import { actLabel, type ActKind } from './action-plan.ts';
import { clockTime } from './times.ts';

export type Progress = {
  kind: ActKind;
  node: string;
  runtime: string;
  phase:
    | { kind: 'sending' }
    /** `delivered` is false where the node is not connected. */
    | { kind: 'open'; state: 'queued' | 'delivered' | 'running'; jobId: string; delivered: boolean }
    | { kind: 'ended'; state: JobState; jobId: string; told: string | undefined }
    /** The budget is empty. */
    | { kind: 'exhausted'; budget: RestartBudget }
    /** The hub said no, or could not be asked; `told` says what to do. */
    | { kind: 'refused'; told: string };
};

export type ProgressNews =
  | { kind: 'accepted'; jobId: string; delivered: boolean }
  | { kind: 'exhausted'; budget: RestartBudget }
  | { kind: 'refused'; told: string }
  /** From an event: the state alone, and at a bad end why. */
  | { kind: 'state'; jobId: string; state: JobState; told: string | undefined }
  /** From a look. */
  | { kind: 'job'; job: Job };

export function begun(kind: ActKind, node: string, runtime: string): Progress {
  return { kind, node, runtime, phase: { kind: 'sending' } };
}

export function advanced(progress: Progress, news: ProgressNews): Progress {
  const phase = nextPhase(progress.phase, news);
  return phase === progress.phase ? progress : { ...progress, phase };
}

export function isOver({ phase }: Progress): boolean {
  return phase.kind === 'ended' || phase.kind === 'exhausted' || phase.kind === 'refused';
}

/** How far a job is on its way: what is heard late must not take it back. */
const ORDER = { queued: 0, delivered: 1, running: 2 } as const;

function nextPhase(phase: Progress['phase'], news: ProgressNews): Progress['phase'] {
  switch (news.kind) {
    case 'accepted': {
      if (phase.kind !== 'sending') return phase;
      const { jobId, delivered } = news;
      return { kind: 'open', state: delivered ? 'delivered' : 'queued', jobId, delivered };
    }
    case 'exhausted':
      return phase.kind === 'sending' ? { kind: 'exhausted', budget: news.budget } : phase;
    case 'refused':
      return phase.kind === 'sending' ? { kind: 'refused', told: news.told } : phase;
    case 'state':
      return inState(phase, news.jobId, news.state, news.told);
    case 'job': {
      const { job_id: jobId, state } = news.job;
      return inState(phase, jobId, state, endWords(news.job));
    }
    default:
      return news satisfies never;
  }
}

function inState(
  phase: Progress['phase'],
  jobId: string,
  state: JobState,
  told: string | undefined,
): Progress['phase'] {
  if (phase.kind === 'ended') {
    // An event tells the end, and a look tells more of it.
    const adds = phase.jobId === jobId && phase.state === state && phase.told === undefined;
    return adds && told !== undefined ? { ...phase, told } : phase;
  }
  if (phase.kind !== 'open' || phase.jobId !== jobId) return phase;
  if (isFinalJobState(state)) return { kind: 'ended', state, jobId, told };
  if (state !== 'queued' && state !== 'delivered' && state !== 'running') return phase;
  if (ORDER[state] <= ORDER[phase.state]) return phase;
  return { ...phase, state, delivered: true };
}

/** What a job tells of its end beyond its state; undefined where it tells nothing. */
export function endWords({ state, result = {}, error }: Job): string | undefined {
  if (state !== 'completed') return error?.message;
  const { model, state: now, already, already_running: up, draining, waited_seconds: waited } = result;
  const parts = [
    already === true || up === true ? 'it was so already' : '',
    typeof waited === 'number' ? `empty after ${Math.round(waited)} s` : '',
    draining === true ? 'no new work until an undrain' : '',
    typeof model === 'string' && typeof now === 'string' ? `${model} is ${now}` : '',
    typeof model !== 'string' && typeof now === 'string' ? `now ${wordOf(now)}` : '',
  ].filter((part) => part !== '');
  return parts.length === 0 ? undefined : parts.join(', ');
}

export function progressTone({ phase }: Progress): 'busy' | 'good' | 'bad' {
  if (phase.kind === 'sending' || phase.kind === 'open') return 'busy';
  return phase.kind === 'ended' && phase.state === 'completed' ? 'good' : 'bad';
}

/** One sentence: what is announced, and what stays on the page. @param now milliseconds */
export function progressWords({ kind, node, runtime, phase }: Progress, now: number): string {
  const act = `${actLabel(kind)} of ${node}/${runtime}`;
  switch (phase.kind) {
    case 'sending':
      return `${act}: sent to the hub…`;
    case 'open':
      return `${act}: ${openWords(phase)}`;
    case 'ended':
      return `${act} ${phase.state}${phase.told === undefined ? '' : `: ${phase.told}`}`;
    case 'exhausted':
      return `${act} refused: ${exhaustedWords(phase.budget, now)}`;
    case 'refused':
      return `${act} refused: ${phase.told}`;
    default:
      return phase satisfies never;
  }
}

function openWords({ state, delivered }: Extract<Progress['phase'], { kind: 'open' }>): string {
  if (state === 'running') return 'under way on its node…';
  if (state === 'delivered' || delivered) return 'sent to its node…';
  return 'queued until its node is heard again; it expires after 10 minutes';
}

/** `All 3 restarts are spent until 14:32` */
export function exhaustedWords({ max_restarts: max, reset_at: resetAt }: RestartBudget, now: number): string {
  if (max === 0) return 'Restarts are switched off (budget 0)';
  return `${spentWords(max)}${resetAt === undefined ? '' : ` until ${clockTime(resetAt, now)}`}`;
}

/** A word of a newer node is left as it is. */
function wordOf(state: string): string {
  const known = RUNTIME_STATES.find((slug) => slug === state);
  return known === undefined ? state : stateLabel(known);
}
