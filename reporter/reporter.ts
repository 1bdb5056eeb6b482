// Owns the wiring of one running reporter: supervisor, snapshot, uplink and commands, their start and their end.

import { randomUUID } from 'node:crypto';
import { Accelerators } from './accelerators/accelerators.ts';
import { readHost } from './accelerators/host.ts';
import { makeBackend, makeRemote } from './backends/registry.ts';
import { ConfigError, type Config } from './config.ts';
import type { Credentials } from './credentials.ts';
import { gatewaySettings } from './gateway/settings.ts';
import { lockStateDir } from './lock.ts';
import type { Log } from './log.ts';
import { HostRedaction, secretsOfEntry } from './logs/host-redaction.ts';
import { secretsOfEnvironment } from './logs/secrets.ts';
import type { Manifest, RuntimeEntry } from './manifest-schema.ts';
import { LOGS_KIND } from '../contract/logs.ts';
import { SnapshotBuilder } from './snapshot/snapshot.ts';
import { RuntimeLog } from './supervisor/logs.ts';
import type { ManagedRuntime } from './supervisor/managed-runtime.ts';
import { RuntimeMemory } from './supervisor/memory.ts';
import { RemoteWatch } from './supervisor/remote-watch.ts';
import { RuntimeLoop } from './supervisor/runtime-loop.ts';
import type { Policy } from './supervisor/state.ts';
import { Supervisor } from './supervisor/supervisor.ts';
import { CommandIntake } from './uplink/command-intake.ts';
import { CommandJournal } from './uplink/journal.ts';
import { Uplink } from './uplink/link.ts';
import { LogRelay } from './uplink/log-relay.ts';
import { messageOf } from './errors.ts';

const REPORT_EVERY_MS = 5_000;
const START_TIMEOUT_SECONDS = 600;
/** Below the 10 s in which a reporter must have ended, SIGKILL included. */
const STOP_TIMEOUT_SECONDS = 5;
const WEDGE_SECONDS = 60;
const CRASH_BACKOFF = { baseMs: 500, capMs: 60_000 };

export type Reporter = {
  /** Ends the uplink, and with `stopChildren` the children; without it they go on serving. */
  stop(options: { stopChildren: boolean }): Promise<void>;
};

export type ReporterOptions = {
  config: Config;
  manifest: Manifest;
  version: string;
  log: Log;
  /** Resolves with how to speak to the hub; supervision does not wait for it. */
  credentials: (signal: AbortSignal) => Promise<Credentials>;
  onFirstAccepted: () => void;
};

/** @throws ConfigError where the state directory cannot be written. */
export async function startReporter(options: ReporterOptions): Promise<Reporter> {
  const { config, manifest, version, log } = options;
  const gatewayOptions = gatewaySettings(manifest.gateway, config.gatewayPort, process.env);
  const unlock = await lockStateDir(config.stateDir);
  const journal = await CommandJournal.open(config.stateDir, Date.now()).catch((cause: unknown) => {
    const fault = `${config.stateDir} cannot be written (${messageOf(cause)})`;
    throw new ConfigError(`${fault}; name another one with --state-dir`, { cause });
  });
  const ended = new AbortController();
  let uplink: Uplink | undefined;
  let relay: LogRelay | undefined;

  const redaction = new HostRedaction();
  // A child inherits the environment, and may tell what it finds there.
  redaction.add(secretsOfEnvironment(process.env));
  redaction.add(manifest.runtimes.flatMap(secretsOfEntry));
  if (config.joinToken !== undefined) redaction.add([config.joinToken]);

  const onMaterialChange = (): void => uplink?.publishSoon();
  const loops = manifest.runtimes.map((entry): ManagedRuntime => {
    const remote = makeRemote(entry, process.env);
    if (remote !== undefined) return new RemoteWatch({ remote, log, onMaterialChange });
    return new RuntimeLoop({
      backend: makeBackend(entry, { llamaServer: config.llamaServer }),
      policy: policyOf(entry, config),
      output: new RuntimeLog(config.stateDir, entry.id, () => redaction.redact),
      memory: new RuntimeMemory(config.stateDir, entry.id),
      ...(entry.preset !== undefined && { preset: entry.preset }),
      log,
      onMaterialChange,
    });
  });
  const supervisor = new Supervisor(loops);
  await supervisor.adopt();
  supervisor.start(manifest.runtimes.filter((entry) => entry.auto_start !== false).map((entry) => entry.id));

  // Not loaded where it is off.
  const gateway =
    gatewayOptions &&
    (await import('./gateway/gateway.ts')).Gateway.open({
      settings: gatewayOptions,
      runtimes: () => supervisor.routables(),
      log,
    });

  const bootId = randomUUID();
  const snapshots = new SnapshotBuilder(config.node, bootId, version);
  const accelerators = new Accelerators(log);
  const inventory = accelerators.start().then(() => uplink?.publishSoon());

  const linked = options.credentials(ended.signal).then((credentials) => {
    redaction.add([credentials.token, credentials.command_key]);
    const link = new Uplink(
      {
        hub: config.hub,
        node: config.node,
        token: credentials.token,
        bootId,
        version,
        log,
        snapshot: (intervalMs) => {
          const nowMs = Date.now();
          const readings = {
            host: readHost(),
            records: supervisor.records().map((record) => redaction.record(record)),
            accelerators: accelerators.readings(nowMs),
            http: gateway?.telemetry(),
            notes: gateway?.notes() ?? [],
          };
          return JSON.stringify(snapshots.next(readings, intervalMs, nowMs));
        },
        onCommand: (command) => void (command.kind === LOGS_KIND ? logs : intake).take(command),
        onCancel: (id) => logs.cancel(id),
        onFirstAccepted: options.onFirstAccepted,
      },
      REPORT_EVERY_MS,
    );
    const intake = new CommandIntake({
      node: config.node,
      commandKey: credentials.command_key,
      journal,
      supervisor,
      log,
      hubNowMs: () => link.hubNowMs(),
      report: (progress) =>
        link.report(
          progress.kind === 'done' ? { ...progress, outcome: redaction.outcome(progress.outcome) } : progress,
        ),
    });
    const logs = new LogRelay({
      node: config.node,
      commandKey: credentials.command_key,
      source: (runtimeId) => supervisor.outputOf(runtimeId),
      room: () => link.room(),
      send: (frame) => link.sendLive(frame),
      log,
      hubNowMs: () => link.hubNowMs(),
      nowMs: Date.now,
    });
    relay = logs;
    uplink = link;
    link.start();
  });
  // Ending while enrolment still tries is no fault; anything else is told now, and surfaces where `stop` awaits it.
  linked.catch((error: unknown) => {
    if (!isAbort(error)) log.error(`This node does not report: ${messageOf(error)}`);
  });

  return {
    async stop({ stopChildren }) {
      // First, so that answers under way may end while their runtimes still live.
      await gateway?.stop();
      if (stopChildren) await supervisor.shutDown();
      else supervisor.release();
      accelerators.stop();
      ended.abort();
      relay?.stop();
      await Promise.all([linked.catch(ignoreAbort), inventory]);
      await uplink?.stop();
      await journal.close();
      await unlock();
    },
  };
}

function policyOf(entry: RuntimeEntry, config: Config): Policy {
  return {
    budget: {
      maxRestarts: entry.restart?.max ?? config.restart.maxRestarts,
      windowMs: (entry.restart?.window_seconds ?? config.restart.windowSeconds) * 1000,
    },
    backoff: CRASH_BACKOFF,
    loadLimitMs: (entry.process.start_timeout_seconds ?? START_TIMEOUT_SECONDS) * 1000,
    stopGraceMs: (entry.process.stop_timeout_seconds ?? STOP_TIMEOUT_SECONDS) * 1000,
    wedgeMs: (entry.process.wedge_seconds ?? WEDGE_SECONDS) * 1000,
  };
}

function ignoreAbort(error: unknown): void {
  if (!isAbort(error)) throw error;
}

function isAbort(error: unknown): boolean {
  return error instanceof DOMException && error.name === 'AbortError';
}
