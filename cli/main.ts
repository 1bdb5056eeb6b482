#!/usr/bin/env node
// Owns the command line of operators: its families, its help and its exit codes. Each family's grammar is in grammar/.

import { Command } from 'commander';
import packageJson from '../package.json' with { type: 'json' };
import { joinToken } from './commands/join-token.ts';
import { CliError, EXIT } from './errors.ts';
import { wholeNumber } from './grammar/flags.ts';
import { addGrid } from './grammar/grid.ts';
import { addJobFamily } from './grammar/job.ts';
import { addNodeFamily } from './grammar/node.ts';
import { addRuntimeFamily } from './grammar/runtime.ts';
import { hubFrom, type Hub, type HubFlags } from './hub-client.ts';
import { progress } from './output.ts';

const program = new Command('arw-cli')
  .description('Sees and steers the runtimes of a Runtime Matrix hub.')
  .version(packageJson.version)
  .option('--hub <url>', 'the hub (ARW_HUB_URL, else http://127.0.0.1:8787)')
  .option('--token <token>', 'the token (ARW_ADMIN_TOKEN)')
  .configureHelp({ showGlobalOptions: true })
  .exitOverride()
  .addHelpText(
    'after',
    `
Exit codes: 0 done, 1 refused or failed (also: restart budget exhausted), 2 wrong usage or setting,
3 no hub answers there, 4 the token is missing or not allowed to. Faults are one line on stderr.`,
  );

addRuntimeFamily(program, hub);
addNodeFamily(program, hub);
addGrid(program, hub);
addJobFamily(program, hub);

program
  .command('join-token')
  .description('make a token with which new hosts enrol themselves, and print the line to run there')
  .option('--uses <count>', 'how many hosts it is good for', wholeNumber(1), 1)
  .option('--ttl-secs <seconds>', 'how long it is good', wholeNumber(1), 3600)
  .option('--json', 'print the answer of the hub')
  .action((options: { json?: boolean; uses: number; ttlSecs: number }) => joinToken(hub(), options));

try {
  await program.parseAsync();
} catch (error) {
  process.exitCode = report(error);
}

function hub(): Hub {
  return hubFrom(program.opts<HubFlags>(), process.env);
}

function report(error: unknown): number {
  if (error instanceof CliError) {
    progress(`arw-cli: ${error.message}`);
    return error.exitCode;
  }
  // Commander has said what was wrong already; help and version are no faults.
  if (isCommanderError(error)) return error.exitCode === 0 ? EXIT.ok : EXIT.usage;
  throw error;
}

function isCommanderError(error: unknown): error is Error & { exitCode: number } {
  return error instanceof Error && 'exitCode' in error && typeof error.exitCode === 'number';
}
