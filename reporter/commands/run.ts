// Owns `arw-reporter run`: from settings to a running reporter, its signals and its end.

import { fullJitterMs } from '../backoff.ts';
import { ConfigError, readConfig, type Config, type Flags } from '../config.ts';
import { enrol, loadCredentials, saveCredentials, type Credentials } from '../credentials.ts';
import { messageOf } from '../errors.ts';
import { EXIT } from '../exit-codes.ts';
import { stderrLog, type Log } from '../log.ts';
import { loadManifest } from '../manifest.ts';
import { Nudge } from '../nudge.ts';
import { startReporter, type Reporter } from '../reporter.ts';
import type { Thrift } from '../thrift.ts';
import { ServiceManager } from '../service-manager.ts';

/** @throws ConfigError, ManifestError where it cannot start. */
export async function runCommand(flags: Flags, version: string, thrift: Thrift): Promise<void> {
  const config = readConfig(flags, process.env);
  const manifest = await loadManifest(config.manifestPath);
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
    version,
    log,
    credentials: async (signal) =>
      kept ?? enrolUntilDone(config, log, signal, () => finish('refused', EXIT.failed, true)),
    onGatewayRequest: () => thrift.noteWork(),
    onFirstAccepted: () => process.stdout.write(`reporter ready ${config.node}\n`),
  });
  const manager = new ServiceManager(process.env, log);
  let ending = false;
  // The first terminator wins; a second Ctrl-C must not cut the orderly end short of its limit.
  function finish(cause: string, exitCode: number, stopChildren = config.stopChildren): void {
    if (ending) return;
    ending = true;
    log.info(
      `${cause}: ending, the runtimes ${stopChildren ? 'end too' : 'go on (--stop-children ends them)'}`,
    );
    const stopping = starting.then((reporter) => reporter.stop({ stopChildren }));
    Promise.all([stopping, manager.stopping()]).then(
      () => process.exit(exitCode),
      (error: unknown) => {
        log.error(`ended with a fault: ${messageOf(error)}`);
        process.exit(EXIT.failed);
      },
    );
  }
  process.on('SIGTERM', () => finish('SIGTERM', EXIT.ok));
  process.on('SIGINT', () => finish('SIGINT', EXIT.ok));
  // As daemons do, also where a terminal was closed: nobody who closes a window means to end the models' keeper.
  process.on('SIGHUP', () => {
    if (ending) return;
    log.info('SIGHUP: reading the manifest again');
    // A reporter that could not start has said so where it was awaited.
    void starting.then(reload, () => undefined);
  });
  async function reload(reporter: Reporter): Promise<void> {
    await Promise.all([manager.reloading(), reporter.reload()]);
    if (!ending) await manager.ready(() => reporter.summary());
  }
  const reporter = await starting;
  // Not when the hub has heard us: it may be away for longer than a unit may take to start.
  if (!ending) await manager.ready(() => reporter.summary());
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
