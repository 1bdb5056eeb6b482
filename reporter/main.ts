#!/usr/bin/env node
// Owns the command line of the reporter: its grammar, its help and its exit codes. What each command does is in commands/.

// First: what V8 is told at the start holds for all that is loaded after it.
import { expectToIdle } from './thrift.ts';
import { Command } from 'commander';
import packageJson from '../package.json' with { type: 'json' };
import { doctorCommand } from './commands/doctor.ts';
import { enrollCommand, type EnrollFlags } from './commands/enroll.ts';
import { installCommand, type InstallFlags } from './commands/install.ts';
import { runCommand } from './commands/run.ts';
import { statusCommand } from './commands/status.ts';
import { ConfigError, type Flags } from './config.ts';
import { EXIT } from './exit-codes.ts';
import { ManifestError } from './manifest.ts';

const program = new Command('arw-reporter')
  .description('Runs and supervises local inference and reports its health to a Runtime Matrix hub.')
  .version(packageJson.version)
  .exitOverride((error) => process.exit(error.exitCode === 0 ? EXIT.ok : EXIT.unusable))
  .addHelpText(
    'after',
    `
Exit codes: 0 ended as asked, 1 failed, 2 the command line, a setting or the manifest cannot be used.
Environment: ARW_HUB_URL, ARW_NODE_ID, ARW_JOIN_TOKEN, ARW_STATE_DIR, ARW_MANIFEST, LLAMA_SERVER_BIN,
ARW_RUNTIME_RESTART_MAX (3), ARW_RUNTIME_RESTART_WINDOW_SEC (600), ARW_GATEWAY_PORT (8780). Flags come before the environment.`,
  );

const HUB = ['--hub <url>', 'the hub to report to (ARW_HUB_URL)'] as const;
const MANIFEST = ['--manifest <file>', 'the runtimes to supervise (ARW_MANIFEST)'] as const;
const NODE = ['--node <id>', 'the name of this host in the matrix (ARW_NODE_ID, else the hostname)'] as const;
const STATE_DIR = [
  '--state-dir <dir>',
  'where credentials, journal and logs are kept (ARW_STATE_DIR)',
] as const;

program
  .command('run')
  .description('supervise the runtimes of the manifest and report until SIGTERM or Ctrl-C; SIGHUP reloads it')
  .option(...HUB)
  .option(...MANIFEST)
  .option(...NODE)
  .option(...STATE_DIR)
  .option(
    '--stop-children',
    'end the runtimes with the reporter; otherwise they go on, and the next one adopts them',
  )
  .action((flags: Flags) => runCommand(flags, packageJson.version, expectToIdle()));

program
  .command('enroll')
  .description('make this host known to a hub now, and keep what it gets; `run` does the same by itself')
  .option(...HUB)
  .option(
    '--join-token <token>',
    'good once (ARW_JOIN_TOKEN, which other users cannot see in the list of processes)',
  )
  .option(...NODE)
  .option(...STATE_DIR)
  .option('--force', 'also where it is enrolled already: what it has is replaced')
  .action(async (flags: EnrollFlags) => {
    process.exitCode = await enrollCommand(flags);
  });

program
  .command('status')
  .description('what runs on this host, asked of its reporter: also while the hub is away')
  .option(...NODE)
  .option(...STATE_DIR)
  .option('--json', 'print { reporter, uplink, snapshot }')
  .addHelpText('after', '\nExit codes: 0 told, 1 no reporter runs there.')
  .action(async (flags: Flags & { json?: boolean }) => {
    process.exitCode = await statusCommand(flags);
  });

program
  .command('install')
  .description('write a hardened systemd unit for `run`, and say what to do next')
  .option('--user', 'a service of this user (default)')
  .option(
    '--system',
    'a service of the system, under --run-as; its manifest is /etc/runtime-matrix/runtimes.toml',
  )
  .option('--run-as <user>', 'the account of a system service (default: who called sudo)')
  .option(...HUB)
  .option(...MANIFEST)
  .option(...NODE)
  .option(...STATE_DIR)
  .option('--dry-run', 'print the files and write nothing')
  .option('--force', 'replace a unit that differs, and write it also where systemd does not run')
  .option('--now', 'enable and start it too')
  .action(async (flags: InstallFlags) => {
    process.exitCode = await installCommand(flags);
  });

program
  .command('doctor')
  .description('check everything that a run needs, and say how to mend what is missing')
  .option(...HUB)
  .option(...MANIFEST)
  .option(...NODE)
  .option(...STATE_DIR)
  .option('--json', 'print { ok, findings }')
  .addHelpText('after', '\nExit codes: 0 nothing is at fault (there may be warnings), 1 something is.')
  .action(async (flags: Flags & { json?: boolean }) => {
    process.exitCode = await doctorCommand(flags);
  });

try {
  await program.parseAsync();
} catch (error) {
  if (!(error instanceof ConfigError || error instanceof ManifestError)) throw error;
  process.stderr.write(`arw-reporter: ${error.message}\n`);
  process.exitCode = EXIT.unusable;
}
