// Owns the grammar of `arw-cli job`.

import { Option, type Command } from 'commander';
import { JOB_STATES } from '../../contract/command.ts';
import { jobCancel } from '../commands/job-cancel.ts';
import { jobList, type JobListOptions } from '../commands/job-list.ts';
import type { Hub } from '../hub-client.ts';
import { wholeNumber } from './flags.ts';

const MAX_JOBS = 1000;

export function addJobFamily(program: Command, hub: () => Hub): void {
  const job = program.command('job').description('what was asked of runtimes, and what became of it');

  job
    .command('list')
    .description('the newest jobs of the fleet')
    .option('--node <node>', 'only those of one node')
    .addOption(new Option('--state <state>', 'only those in one state').choices(JOB_STATES))
    .option('--limit <count>', 'at most so many', wholeNumber(1, MAX_JOBS), 20)
    .option('--json', 'print the answer of the hub')
    .action((options: JobListOptions) => jobList(hub(), options));

  job
    .command('cancel')
    .description('take a job back that its node has not begun')
    .argument('<job>', 'its id, as `job list` has it')
    .option('--json', 'print the answer of the hub')
    .action((id: string, options: { json?: boolean }) => jobCancel(hub(), id, options));
}
