// Owns the text of `job list`.

import type { Job, Jobs } from '../../contract/command.ts';
import { block, fit } from './table.ts';
import { toSeconds } from './time.ts';

/** @param columns the width of the terminal; undefined where there is none, and lines keep their length. */
export function renderJobs({ jobs, next_cursor }: Jobs, columns: number | undefined): string {
  const more = next_cursor === undefined ? '' : ', and there are older ones';
  const lines = [
    jobs.length === 0 ? 'No jobs.' : `Jobs: the newest ${jobs.length}${more}`,
    ...block(
      jobs.map((job) => [
        toSeconds(job.issued_at),
        stateWords(job),
        `${job.kind} ${job.node}/${job.runtime_id}`,
        job.error === undefined ? job.job_id : `${job.job_id}  ${job.error.message}`,
      ]),
    ),
  ];
  return `${lines.map((line) => fit(line, columns)).join('\n')}\n`;
}

function stateWords({ state, cancel_requested_at }: Job): string {
  const isAsked = cancel_requested_at !== undefined && (state === 'delivered' || state === 'running');
  return isAsked ? `${state}, to be cancelled` : state;
}
