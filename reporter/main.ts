#!/usr/bin/env node
// Owns the command line of the reporter, its signals and its exit codes.

import { expectToIdle } from './thrift.ts';
import { Command } from 'commander';
import packageJson from '../package.json' with { type: 'json' };
import { fullJitterMs } from './backoff.ts';
import { ConfigError, readConfig, type Config, type Flags } from './config.ts';
import { enrol, loadCredentials, saveCredentials, type Credentials } from './credentials.ts';
import { stderrLog, type Log } from './log.ts';
import { loadManifest, ManifestError } from './manifest.ts';
import { Nudge } from './nudge.ts';
import { startReporter } from './reporter.ts';
import { messageOf } from './errors.ts';

const EXIT_FAILED = 1;
const EXIT_UNUSABLE_SETTINGS = 2;

const program = new Command('arw-reporter')
  .description('Runs and supervises local inference and reports its health to a Runtime Matrix hub.')
  .version(packageJson.version)
  .addHelpText(
    'after',
    `
Exit codes: 0 ended as asked, 1 failed, 2 settings or manifest cannot be used.
Environment: ARW_HUB_URL, ARW_NODE_ID, ARW_JOIN_TOKEN, ARW_STATE_DIR, ARW_MANIFEST, LLAMA_SERVER_BIN,
ARW_RUNTIME_RESTART_MAX (3), ARW_RUNTIME_RESTART_WINDOW_SEC (600), ARW_GATEWAY_PORT (8780). Flags come before the environment.`,
  );

program
  .command('run')
  .description('supervise the runtimes of the manifest and report until SIGTERM or Ctrl-C')
  .option('--hub <url>', 'the hub to report to (ARW_HUB_URL)')
  .option('--manifest <file>', 'the runtimes to supervise (ARW_MANIFEST)')
  .option('--node <id>', 'the name of this host in the matrix (ARW_NODE_ID, else the hostname)')
  .option('--state-dir <dir>', 'where credentials, journal and logs are kept (ARW_STATE_DIR)')
  .option(
    '--stop-children',
    'end the runtimes with the reporter; otherwise they go on, and the next one adopts them',
  )
  .action(run);

try {
  await program.parseAsync();
} catch (error) {
  if (!(error instanceof ConfigError || error instanceof ManifestError)) throw error;
  process.stderr.write(`arw-reporter: ${error.message}\n`);
  process.exitCode = EXIT_UNUSABLE_SETTINGS;
}

async function run(flags: Flags): Promise<void> {
  const config = readConfig(flags, process.env);
  const manifest = await loadManifest(config.manifestPath);
  if (manifest.gateway?.enabled === false) expectToIdle();
  const kept = await loadCredentials(config.stateDir, config.hub, config.node);
  if (kept === undefined && config.joinToken === undefined) {
    throw new ConfigError(
      `node "${config.node}" is not enrolled at ${config.hub.href}; ` +
        'get a join token from its operator (arw-cli join-token) and set ARW_JOIN_TOKEN',
    );
  }
  // Who reads what we say may go away, a pipe or a terminal: no reason to leave the runtimes alone.
  for (const stream of [process.stdout, process.stderr]) stream.on('error', () => undefined);
  const log = stderrLog();
  log.info(
    `node ${config.node}: runtimes of ${config.manifestPath}: ${manifest.runtimes.map(({ id }) => id).join(', ') || 'none'}`,
  );
  const starting = startReporter({
    config,
    manifest,
    version: packageJson.version,
    log,
    credentials: async (signal) =>
      kept ?? enrolUntilDone(config, log, signal, () => finish('refused', EXIT_FAILED, true)),
    onFirstAccepted: () => process.stdout.write(`reporter ready ${config.node}\n`),
  });
  let ending = false;
  // The first terminator wins; a second Ctrl-C must not cut the orderly end short of its limit.
  function finish(cause: string, exitCode: number, stopChildren = config.stopChildren): void {
    if (ending) return;
    ending = true;
    log.info(
      `${cause}: ending, the runtimes ${stopChildren ? 'end too' : 'go on (--stop-children ends them)'}`,
    );
    const stopping = starting.then((reporter) => reporter.stop({ stopChildren }));
    stopping.then(
      () => process.exit(exitCode),
      (error: unknown) => {
        log.error(`ended with a fault: ${messageOf(error)}`);
        process.exit(EXIT_FAILED);
      },
    );
  }
  process.on('SIGTERM', () => finish('SIGTERM', 0));
  process.on('SIGINT', () => finish('SIGINT', 0));
  // The terminal was closed: the children, in groups of their own, do not hear of it.
  process.on('SIGHUP', () => finish('SIGHUP', 0));
  await starting;
}

/** Keeps trying while the hub is away; a hub that says no is final, and `onRefused` ends the reporter. */
async function enrolUntilDone(
  config: Config,
  log: Log,
  signal: AbortSignal,
  onRefused: () => void,
): Promise<Credentials> {
  const pause = new Nudge();
  for (let attempt = 1; !signal.aborted; attempt += 1) {
    const enrolment = await enrol(config.hub, config.node, config.joinToken ?? '', signal);
    if (enrolment.ok) {
      await saveCredentials(config.stateDir, enrolment.credentials);
      log.info(`enrolled as ${config.node} at ${config.hub.href}`);
      return enrolment.credentials;
    }
    if (enrolment.fault.kind === 'refused' && enrolment.fault.status < 500) {
      log.error(enrolment.fault.message);
      onRefused();
      break;
    }
    log.warn(`${enrolment.fault.message}; enrolling again soon, runtimes are supervised meanwhile`);
    await pause.wait(fullJitterMs({ baseMs: 1_000, capMs: 30_000 }, attempt, Math.random()), signal);
  }
  throw new DOMException('Enrolment was given up', 'AbortError');
}
