// Owns how the end of a job is said: what its node tells of it as far as it is understood, never less than its state.

import * as v from 'valibot';
import type { Job } from '../../contract/command.ts';
import { RestartBudgetSchema } from '../../contract/runtime-record.ts';
import { RuntimeStateSchema, stateLabel } from '../../contract/words.ts';
import { budgetWords } from './budget.ts';

/** What a node may tell of an end. What it tells in another shape, or beyond this, is left out. */
const optional = <Schema extends v.GenericSchema>(schema: Schema) =>
  v.fallback(v.optional(schema), undefined);
const ResultSchema = v.object({
  state: optional(v.string()),
  already: optional(v.boolean()),
  draining: optional(v.boolean()),
  already_running: optional(v.boolean()),
  waited_seconds: optional(v.pipe(v.number(), v.minValue(0))),
  counted_by: optional(v.string()),
  model: optional(v.string()),
  preset: optional(v.string()),
  sandbox: optional(v.string()),
  restart_budget: optional(RestartBudgetSchema),
});
type Result = v.InferOutput<typeof ResultSchema>;

/** One sentence without its full stop: `drain of gpu-01/llama.70b completed: slots empty after 12 s, now Offline`. */
export function endWords(job: Job): string {
  const act = `${job.kind} of ${job.node}/${job.runtime_id} ${job.state}`;
  const parsed = v.safeParse(ResultSchema, job.result ?? {});
  const told =
    job.state === 'completed'
      ? parsed.success && resultWords(job.kind, job.args, parsed.output)
      : job.error?.message;
  return told === undefined || told === false || told === '' ? act : `${act}: ${told}`;
}

function resultWords(kind: string, args: Job['args'], result: Result): string {
  switch (kind) {
    case 'drain':
      return list([
        result.waited_seconds !== undefined &&
          `${emptyWords(result)} after ${Math.round(result.waited_seconds)} s`,
        isHeld(args) ? 'no new work until an undrain' : now(result.state),
      ]);
    case 'undrain':
      return result.draining === false
        ? result.already === true
          ? 'it was not draining'
          : 'it takes new work again'
        : '';
    case 'load':
    case 'unload': {
      const subject = result.model ?? 'the model';
      const already = result.already === true ? ' already' : '';
      return result.state === undefined ? '' : `${subject} is ${result.state}${already}`;
    }
    case 'switch':
      return list([
        result.already === true && 'nothing to change',
        result.preset !== undefined && `preset ${result.preset}`,
        result.sandbox !== undefined && `sandbox ${result.sandbox}`,
        // What is down stays down; what was switched waits for whoever starts it.
        result.state === 'offline' ? 'from its next start on' : now(result.state),
      ]);
    case 'budget':
      return result.restart_budget === undefined
        ? ''
        : `${budgetWords(result.restart_budget)}, window ${result.restart_budget.window_seconds} s`;
    default:
      return list([
        (result.already === true || result.already_running === true) && 'it was so already',
        now(result.state),
      ]);
  }
}

/** A server that does not tell what is at work is judged by what went through the gateway of its host. */
function emptyWords({ counted_by: countedBy }: Result): string {
  return countedBy === 'gateway' ? 'nothing under way through the gateway' : 'slots empty';
}

function isHeld(args: Job['args']): boolean {
  return args['then'] === undefined || args['then'] === 'hold';
}

/** The state that the runtime is in now; a word of a newer node is left as it is. */
function now(state: string | undefined): string | false {
  if (state === undefined) return false;
  return `now ${v.is(RuntimeStateSchema, state) ? stateLabel(state) : state}`;
}

function list(parts: readonly (string | false)[]): string {
  return parts.filter((part) => part !== false).join(', ');
}
