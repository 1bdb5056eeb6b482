// Owns the text of `job list`.

import type { Job, Jobs, JobState } from '../../contract/command.ts';
import { paragraph, styled, type Line, type Span, type Style } from './line.ts';
import { block } from './table.ts';
import { toSeconds } from './time.ts';

/** @param columns the width of the terminal; undefined where there is none, and lines keep their length. */
export function renderJobs({ jobs, next_cursor }: Jobs, columns: number | undefined): Line[] {
  const more = next_cursor === undefined ? '' : ', and there are older ones';
  return [
    ...paragraph(jobs.length === 0 ? 'No jobs.' : `Jobs: the newest ${jobs.length}${more}`, columns),
    ...block(
      jobs.map((job) => [
        toSeconds(job.issued_at),
        stateWords(job),
        `${job.kind} ${job.node}/${job.runtime_id}`,
        job.error === undefined ? job.job_id : `${job.job_id}  ${job.error.message}`,
      ]),
      columns,
    ).flat(),
  ];
}

function stateWords({ state, cancel_requested_at }: Job): Span {
  const isAsked = cancel_requested_at !== undefined && (state === 'delivered' || state === 'running');
  return styled(styleOf(state), isAsked ? `${state}, to be cancelled` : state);
}

function styleOf(state: JobState): Style | undefined {
  switch (state) {
    case 'completed':
      return 'good';
    case 'failed':
    case 'expired':
      return 'bad';
    case 'cancelled':
      return 'warn';
    case 'queued':
    case 'delivered':
    case 'running':
      return undefined;
    default:
      return state satisfies never;
  }
}
