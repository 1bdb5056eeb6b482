// Owns the wiring of one running reporter: supervisor, snapshot, uplink and commands, their start and their end.

import { randomUUID } from 'node:crypto';
import { Accelerators } from './accelerators/accelerators.ts';
import { readHost } from './accelerators/host.ts';
import { makeBackend } from './backends/registry.ts';
import { ConfigError, type Config } from './config.ts';
import type { Credentials } from './credentials.ts';
import type { LocalStatus } from './local/local-status.ts';
import { LocalServer } from './local/server.ts';
import { socketPlace } from './local/socket-path.ts';
import { lockStateDir } from './lock.ts';
import type { Log } from './log.ts';
import { ManifestReload } from './manifest-reload.ts';
import type { Manifest, RuntimeEntry } from './manifest-schema.ts';
import { ManifestWatch } from './manifest-watch.ts';
import { SnapshotBuilder, type Readings } from './snapshot/snapshot.ts';
import { RuntimeLog } from './supervisor/logs.ts';
import { RuntimeMemory } from './supervisor/memory.ts';
import { RuntimeLoop, type RuntimeLoopOptions } from './supervisor/runtime-loop.ts';
import type { Policy } from './supervisor/state.ts';
import { Supervisor } from './supervisor/supervisor.ts';
import { CommandIntake } from './uplink/command-intake.ts';
import { CommandJournal } from './uplink/journal.ts';
import { Uplink } from './uplink/link.ts';
import { messageOf } from './errors.ts';

const REPORT_EVERY_MS = 5_000;
const START_TIMEOUT_SECONDS = 600;
/** Below the 10 s in which a reporter must have ended, SIGKILL included. */
const STOP_TIMEOUT_SECONDS = 5;
const WEDGE_SECONDS = 60;
const CRASH_BACKOFF = { baseMs: 500, capMs: 60_000 };

export type Reporter = {
  /** One line on the runtimes. */
  summary(): string;
  /** Reads the manifest again now; resolves when that is decided. */
  reload(): Promise<void>;
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
  const unlock = await lockStateDir(config.stateDir);
  const journal = await CommandJournal.open(config.stateDir, Date.now()).catch((cause: unknown) => {
    const fault = `${config.stateDir} cannot be written (${messageOf(cause)})`;
    throw new ConfigError(`${fault}; name another one with --state-dir`, { cause });
  });
  const ended = new AbortController();
  let uplink: Uplink | undefined;

  const partsOf = (entry: RuntimeEntry): Pick<RuntimeLoopOptions, 'backend' | 'policy'> => ({
    backend: makeBackend(entry, { llamaServer: config.llamaServer }),
    policy: policyOf(entry, config),
  });
  const make = (entry: RuntimeEntry): RuntimeLoop =>
    new RuntimeLoop({
      ...partsOf(entry),
      output: new RuntimeLog(config.stateDir, entry.id),
      memory: new RuntimeMemory(config.stateDir, entry.id),
      log,
      onMaterialChange: () => uplink?.publishSoon(),
    });
  const supervisor = new Supervisor(manifest.runtimes.map(make));
  await supervisor.adopt();
  supervisor.start(manifest.runtimes.filter((entry) => entry.auto_start !== false).map((entry) => entry.id));

  const reload = new ManifestReload({
    path: config.manifestPath,
    manifest,
    supervisor,
    parts: { make, partsOf },
    log,
    onNews: () => uplink?.publishSoon(),
  });
  const watch = new ManifestWatch(config.manifestPath, () => reload.look());

  const bootId = randomUUID();
  const snapshots = new SnapshotBuilder(config.node, bootId, version);
  const accelerators = new Accelerators(log);
  const inventory = accelerators.start().then(() => uplink?.publishSoon());

  const readings = (nowMs: number): Readings => ({
    host: readHost(),
    records: supervisor.records(),
    accelerators: accelerators.readings(nowMs),
    own: reload.reasons(),
  });
  const startedAt = new Date().toISOString();
  const status = (): LocalStatus => ({
    reporter: {
      pid: process.pid,
      version,
      started_at: startedAt,
      manifest: config.manifestPath,
      state_dir: config.stateDir,
    },
    uplink: uplink?.state() ?? { hub: config.hub.href, state: 'enrolling', since: startedAt },
    snapshot: snapshots.present(readings(Date.now()), REPORT_EVERY_MS, Date.now()),
  });
  const local = await listen(config.stateDir, status, log);

  const linked = options.credentials(ended.signal).then((credentials) => {
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
          return JSON.stringify(snapshots.next(readings(nowMs), intervalMs, nowMs));
        },
        onCommand: (command) => void intake.take(command),
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
      report: (progress) => link.report(progress),
    });
    uplink = link;
    link.start();
  });
  // Ending while enrolment still tries is no fault; anything else is told now, and surfaces where `stop` awaits it.
  linked.catch((error: unknown) => {
    if (!isAbort(error)) log.error(`This node does not report: ${messageOf(error)}`);
  });

  return {
    summary() {
      const records = supervisor.records();
      const ready = records.filter((record) => record.status.state === 'ready').length;
      return `${ready} of ${records.length} runtimes ready`;
    },
    reload: () => reload.look({ asked: true }),
    async stop({ stopChildren }) {
      watch.stop();
      reload.stop();
      local?.close();
      if (stopChildren) await supervisor.shutDown();
      else supervisor.release();
      accelerators.stop();
      ended.abort();
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

/** Without it the reporter does all the rest, so a fault of it is told and no more. */
async function listen(
  stateDir: string,
  status: () => LocalStatus,
  log: Log,
): Promise<LocalServer | undefined> {
  const { path, elsewhere } = socketPlace(stateDir, process.env['XDG_RUNTIME_DIR']);
  try {
    const server = await LocalServer.listen(path, status);
    if (elsewhere) log.info(`${stateDir} is too long a path for a socket: arw-reporter status asks ${path}`);
    return server;
  } catch (error) {
    log.warn(`arw-reporter status will find no answer: ${path} cannot be listened on (${messageOf(error)})`);
    return undefined;
  }
}

function ignoreAbort(error: unknown): void {
  if (!isAbort(error)) throw error;
}

function isAbort(error: unknown): boolean {
  return error instanceof DOMException && error.name === 'AbortError';
}
