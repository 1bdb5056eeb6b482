#!/usr/bin/env node
// Owns the command line of operators: its grammar, its help and its exit codes.

import { Command, InvalidArgumentError, Option } from 'commander';
import packageJson from '../package.json' with { type: 'json' };
import type { CommandKind } from '../contract/command.ts';
import { TAIL_DEFAULT, TAIL_MAX } from '../contract/logs.ts';
import { joinToken } from './commands/join-token.ts';
import { runtimeCommand, type FollowOptions } from './commands/runtime-command.ts';
import { runtimeLogs, type LogsOptions } from './commands/runtime-logs.ts';
import { runtimeStatus } from './commands/runtime-status.ts';
import { CliError, EXIT } from './errors.ts';
import { hubFrom, type Hub, type HubFlags } from './hub-client.ts';

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

const runtime = program.command('runtime').description('look at runtimes and act on them');

runtime
  .command('status')
  .description('every runtime of the fleet, then the matrix and which nodes are past its TTL')
  .option('--json', 'print { supervisor, matrix } as the hub serves them')
  .action((options: { json?: boolean }) => runtimeStatus(hub(), options));

runtime
  .command('logs')
  .description('the last lines that a runtime wrote, without secrets')
  .addOption(runtimeOption())
  .option('--tail <lines>', `how many lines, at most ${TAIL_MAX}`, tailLines, TAIL_DEFAULT)
  .option('--follow', 'then what it writes from now on, until Ctrl-C')
  .action((options: LogsOptions) => runtimeLogs(hub(), options));

type RestoreFlags = FollowOptions & { id: string; restart: boolean; preset?: string; force?: boolean };

follows('restore', 'restart a runtime, or bring it back; spends one restart of its budget')
  .option('--no-restart', 'leave it alone where it is running')
  .option('--preset <name>', 'start it with this preset of its manifest')
  .option('--force', 'also when the restart budget is exhausted')
  .action((flags: RestoreFlags) => {
    const { id, restart, preset, force } = flags;
    const args = { ...(!restart && { restart }), ...(preset && { preset }), ...(force && { force }) };
    return runtimeCommand(hub(), 'restore', id, args, flags);
  });

for (const [kind, description] of [
  ['start', 'start a runtime that was shut down'],
  ['shutdown', 'stop a runtime, and leave it stopped'],
] as const) {
  follows(kind, description).action((flags: FollowOptions & { id: string }) =>
    runtimeCommand(hub(), kind, flags.id, {}, flags),
  );
}

program
  .command('join-token')
  .description('make a token with which new hosts enrol themselves, and print the line to run there')
  .option('--uses <count>', 'how many hosts it is good for', wholeNumber, 1)
  .option('--ttl-secs <seconds>', 'how long it is good', wholeNumber, 3600)
  .option('--json', 'print the answer of the hub')
  .action((options: { json?: boolean; uses: number; ttlSecs: number }) => joinToken(hub(), options));

try {
  await program.parseAsync();
} catch (error) {
  process.exitCode = report(error);
}

function follows(kind: CommandKind, description: string): Command {
  return runtime
    .command(kind)
    .description(description)
    .addOption(runtimeOption())
    .option('--wait', 'follow the job to its end')
    .option('--timeout <seconds>', 'how long --wait follows', wholeNumber, 120)
    .option('--json', 'print the answer, or with --wait the job');
}

function runtimeOption(): Option {
  return new Option(
    '--id <runtime>',
    '<node>/<runtime>, or <runtime> where one node has it',
  ).makeOptionMandatory();
}

function hub(): Hub {
  return hubFrom(program.opts<HubFlags>(), process.env);
}

function wholeNumber(text: string): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 1)
    throw new InvalidArgumentError('It must be a whole number from 1.');
  return value;
}

function tailLines(text: string): number {
  const value = Number(text);
  if (!/^\d+$/.test(text) || value > TAIL_MAX)
    throw new InvalidArgumentError(`It must be a whole number from 0 to ${TAIL_MAX}.`);
  return value;
}

function report(error: unknown): number {
  if (error instanceof CliError) {
    process.stderr.write(`arw-cli: ${error.message}\n`);
    return error.exitCode;
  }
  // Commander has said what was wrong already; help and version are no faults.
  if (isCommanderError(error)) return error.exitCode === 0 ? EXIT.ok : EXIT.usage;
  throw error;
}

function isCommanderError(error: unknown): error is Error & { exitCode: number } {
  return error instanceof Error && 'exitCode' in error && typeof error.exitCode === 'number';
}
