// Owns the wiring of one running reporter: supervisor, snapshot, uplink and commands, their start and their end.

import { randomUUID } from 'node:crypto';
import { Accelerators } from './accelerators/accelerators.ts';
import { readHost } from './accelerators/host.ts';
import { ConfigError, type Config } from './config.ts';
import type { Credentials } from './credentials.ts';
import type { LocalStatus } from './local/local-status.ts';
import { LocalServer } from './local/server.ts';
import { socketPlace } from './local/socket-path.ts';
import type { Gateway } from './gateway/gateway.ts';
import { InnerDoor } from './gateway/inner-door.ts';
import { gatewaySettings } from './gateway/settings.ts';
import type { Reason } from '../contract/status.ts';
import { lockStateDir } from './lock.ts';
import type { Log } from './log.ts';
import { HostRedaction } from './logs/host-redaction.ts';
import { secretsOfEnvironment } from './logs/secrets.ts';
import { LOGS_KIND } from '../contract/logs.ts';
import { ManifestReload } from './manifest-reload.ts';
import type { Manifest } from './manifest-schema.ts';
import { ManifestWatch } from './manifest-watch.ts';
import { otelSecrets, otelSettings } from './otel/settings.ts';
import { SnapshotBuilder, type Readings } from './snapshot/snapshot.ts';
import { runtimeMaker } from './runtimes.ts';
import { Supervisor } from './supervisor/supervisor.ts';
import { CommandIntake } from './uplink/command-intake.ts';
import { CommandJournal } from './uplink/journal.ts';
import { Uplink } from './uplink/link.ts';
import { LogRelay } from './uplink/log-relay.ts';
import { RelayIntake } from './uplink/relay-intake.ts';
import { uploadsTo } from './uplink/relay-upload.ts';
import { messageOf } from './errors.ts';

const REPORT_EVERY_MS = 5_000;
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
  /** A request came to the gateway. */
  onGatewayRequest: () => void;
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
  let gateway: Gateway | undefined;
  let relayed: RelayIntake | undefined;

  const redaction = new HostRedaction();
  // A child inherits the environment, and may tell what it finds there.
  redaction.add(secretsOfEnvironment(process.env));
  redaction.add(otelSecrets(process.env));
  if (config.joinToken !== undefined) redaction.add([config.joinToken]);
  if (gatewayOptions?.apiKey !== undefined) redaction.add([gatewayOptions.apiKey]);

  const onMaterialChange = (): void => uplink?.publishSoon();
  // Until it is open it has nothing under way.
  const underWay = (id: string): number | undefined => (gateway ? gateway.underWay(id) : gatewayOptions && 0);
  const maker = runtimeMaker({ config, log, redaction, underWay, onMaterialChange });
  const supervisor = new Supervisor(manifest.runtimes.map((entry) => maker.make(entry)));
  await supervisor.adopt();
  supervisor.start(manifest.runtimes.filter((entry) => entry.auto_start !== false).map((entry) => entry.id));

  const reload = new ManifestReload({
    path: config.manifestPath,
    manifest,
    supervisor,
    maker,
    log,
    onNews: () => uplink?.publishSoon(),
  });
  const watch = new ManifestWatch(config.manifestPath, () => reload.look());
  const gatewayParts = {
    runtimes: () => supervisor.routables(),
    onRequest: options.onGatewayRequest,
    log,
  };
  // Not loaded where it is off.
  gateway =
    gatewayOptions &&
    (await import('./gateway/gateway.ts')).Gateway.open({ settings: gatewayOptions, ...gatewayParts });
  const inner = new InnerDoor(gateway && { gateway, apiKey: gatewayOptions?.apiKey }, gatewayParts);

  const bootId = randomUUID();
  const snapshots = new SnapshotBuilder(config.node, bootId, version);
  const accelerators = new Accelerators(log);
  // Not waited for at the end: a driver that hangs would hold it up.
  void accelerators.start().then(() => uplink?.publishSoon());

  const readings = (nowMs: number): Readings => ({
    host: readHost(),
    records: supervisor.records().map((record) => redaction.record(record)),
    accelerators: accelerators.readings(nowMs),
    http: gateway?.telemetry() ?? inner.telemetry(),
    own: [
      ...reload.reasons(),
      ...(gateway?.notes() ?? []).map((text): Reason => ({ severity: 'info', text })),
    ],
  });
  const { settings, notes } = otelSettings(process.env);
  for (const note of notes) log.warn(`OpenTelemetry: ${note}`);
  // Not loaded where nothing is exported, and not waited for.
  const exporting =
    settings &&
    import('./otel/export.ts')
      .then(({ startOtelExport }) =>
        startOtelExport({
          settings,
          node: config.node,
          version,
          log,
          readings: () => readings(Date.now()),
        }),
      )
      .catch((error: unknown) => {
        log.warn(`OpenTelemetry: no metrics are exported: ${messageOf(error)}`);
        return undefined;
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
          return JSON.stringify(snapshots.next(readings(nowMs), intervalMs, nowMs));
        },
        onCommand: (command) => void (command.kind === LOGS_KIND ? logs : intake).take(command),
        // What can be read by nobody any more is ended without proof; what an operator asked for is not.
        onCancel: (cancel) =>
          cancel.signature === undefined ? logs.cancel(cancel.id) : void intake.cancel(cancel),
        relay: {
          open: (frame) => void relays.open(frame),
          cancel: (stream) => relays.cancel(stream),
          uploadTaken: (stream) => relays.uploadTaken(stream),
          bytes: (message) => relays.bytes(message),
          gone: () => relays.gone(),
        },
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
      nowMs: () => performance.now(),
    });
    const relays = new RelayIntake({
      node: config.node,
      commandKey: credentials.command_key,
      door: () => inner.door(),
      way: link,
      openUpload: uploadsTo({ hub: config.hub, node: config.node, token: credentials.token }),
      send: (frame) => link.sendLive(frame),
      log,
      hubNowMs: () => link.hubNowMs(),
    });
    relayed = relays;
    relay = logs;
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
      const lastFigures = exporting?.then((exported) => exported?.stop());
      relayed?.stop();
      // Before the runtimes, so that answers under way may end while these still live.
      await gateway?.stop();
      watch.stop();
      reload.stop();
      local?.close();
      if (stopChildren) await supervisor.shutDown();
      else supervisor.release();
      accelerators.stop();
      ended.abort();
      relay?.stop();
      await linked.catch(ignoreAbort);
      await uplink?.stop();
      await lastFigures;
      await journal.close();
      await unlock();
    },
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
