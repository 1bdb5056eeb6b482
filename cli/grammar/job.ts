// Owns the grammar of `arw-cli job`.

import { Option, type Command } from 'commander';
import { JOB_STATES } from '../../contract/command.ts';
import { jobCancel } from '../commands/job-cancel.ts';
import { jobShow } from '../commands/job-show.ts';
import { jobList, type JobListOptions } from '../commands/job-list.ts';
import { wholeNumber, type HubOf } from './flags.ts';
import { jobArgument, nodeOption } from './values.ts';

const MAX_JOBS = 1000;

export function addJobFamily(program: Command, hub: HubOf): void {
  const job = program.command('job').description('what was asked of runtimes, and what became of it');

  job
    .command('list')
    .description('the newest jobs of the fleet')
    .addOption(nodeOption('only those of one node'))
    .addOption(new Option('--state <state>', 'only those in one state').choices(JOB_STATES))
    .option('--limit <count>', 'at most so many', wholeNumber(1, MAX_JOBS), 20)
    .option('--json', 'print the answer of the hub')
    .action(async (options: JobListOptions) => jobList(await hub(), options));

  job
    .command('show')
    .description('how far a job has come, or how it ended')
    .addArgument(jobArgument())
    .option('--json', 'print the answer of the hub')
    .action(async (id: string, options: { json?: boolean }) => jobShow(await hub(), id, options));

  job
    .command('cancel')
    .description('take a job back that its node has not begun')
    .addArgument(jobArgument())
    .option('--json', 'print the answer of the hub')
    .action(async (id: string, options: { json?: boolean }) => jobCancel(await hub(), id, options));
}
