// Owns a fleet under test: hub and reporter as the processes that users run, a real llama-server, one folder for all.

import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { stringify } from 'smol-toml';
import * as v from 'valibot';
import { inject, onTestFailed, onTestFinished } from 'vitest';
import { JobSchema, type Job } from '../../contract/command.ts';
import { JoinTokenResponseSchema } from '../../contract/node-api.ts';
import { MatrixSchema, type MatrixItem } from '../../contract/read-models.ts';
import type { RuntimeStatus } from '../../contract/runtime-record.ts';
import type { SandboxKind } from '../../contract/words.ts';
import { freePort } from '../../scripts/fleet/free-port.ts';
import { Program } from '../../scripts/fleet/program.ts';
import { endEngines } from './engine-processes.ts';
import { until } from './hub.ts';

export const ADMIN_TOKEN = 'e2e-admin-token';
export const NODE = 'gpu-01';
export const RUNTIME = 'llama.tiny';

export type FleetOptions = {
  /** `[runtimes.restart]` of the manifest. */
  restart?: { max?: number; window_seconds?: number };
  /** Put after the llama-server's own arguments. */
  engineArgs?: readonly string[];
  /** `wedge_seconds` of the manifest. */
  wedgeSeconds?: number;
  /** More of `[runtimes.process]`, before all else in the manifest. */
  process?: Record<string, unknown>;
  /** The program in place of llama-server itself, in the fleet's folder; see `writeWrapper`. */
  wrapper?: boolean;
  /** The file to serve; the tiny model where it is left out. */
  model?: (folder: string) => string;
  /** `kind` in `[runtimes.sandbox]` of the manifest. */
  sandbox?: SandboxKind;
  hubEnv?: Record<string, string>;
  /** Leave the engine running when the reporter ends. It is gone when the test is over. */
  keepEngine?: boolean;
};

export class Fleet {
  readonly directory: string;
  readonly hubPort: number;
  readonly enginePort: number;
  readonly #options: FleetOptions;
  readonly #log: string[] = [];
  hub: Program | undefined;
  reporter: Program | undefined;

  private constructor(directory: string, hubPort: number, enginePort: number, options: FleetOptions) {
    this.directory = directory;
    this.hubPort = hubPort;
    this.enginePort = enginePort;
    this.#options = options;
  }

  /** A fleet whose processes and folder are gone when the test is over; its log is told where the test fails. */
  static async prepare(options: FleetOptions = {}): Promise<Fleet> {
    const directory = await mkdtemp(join(tmpdir(), 'runtime-matrix-e2e-'));
    const fleet = new Fleet(directory, await freePort(), await freePort(), options);
    onTestFailed(() => {
      process.stderr.write(`${fleet.#log.join('\n')}\n`);
    });
    onTestFinished(async () => {
      await fleet.reporter?.stop();
      await fleet.hub?.stop();
      // One that was to outlive its reporter, or had to, since the reporter was killed.
      await endEngines(fleet.enginePort);
      await rm(directory, { recursive: true, force: true });
    });
    return fleet;
  }

  /** Hub, reporter and a ready engine. */
  static async ready(options: FleetOptions = {}): Promise<Fleet> {
    const fleet = await Fleet.prepare(options);
    await fleet.startHub();
    await fleet.startReporter();
    await fleet.statusWhere((status) => status.state === 'ready');
    return fleet;
  }

  get hubUrl(): string {
    return `http://127.0.0.1:${this.hubPort}`;
  }

  /** Where the reporter's gateway listens, as its log says. */
  get gatewayUrl(): string {
    const said = this.#log.map((line) => /gateway: (http:\S+)\/v1 /.exec(line)?.[1]);
    return said.findLast((url) => url !== undefined) ?? 'http://127.0.0.1:9';
  }

  get engineUrl(): string {
    return `http://127.0.0.1:${this.enginePort}`;
  }

  get stateDir(): string {
    return join(this.directory, 'node');
  }

  /** What was said so far by hub and reporter. */
  get log(): string {
    return this.#log.join('\n');
  }

  get wrapperPath(): string {
    return join(this.directory, 'llama-server-wrapper');
  }

  /** A shell script that is run as the engine; `$LLAMA_SERVER "$@"` in it is the real one. */
  async writeWrapper(script: string): Promise<void> {
    const text = `#!/bin/sh\nLLAMA_SERVER='${inject('llamaServer')}'\n${script}\n`;
    await writeFile(this.wrapperPath, text, { mode: 0o755 });
  }

  async startHub(): Promise<void> {
    const args = [
      programPath('selfhost'),
      '--port',
      String(this.hubPort),
      '--data',
      join(this.directory, 'hub'),
    ];
    this.hub = this.#start('hub', args, /^hub ready /, {
      ARW_ADMIN_TOKEN: ADMIN_TOKEN,
      ...this.#options.hubEnv,
    });
    await this.hub.ready;
  }

  /** Resolves when the hub has accepted its first snapshot; the engine need not be ready by then. */
  async startReporter(): Promise<void> {
    const manifest = join(this.directory, 'runtimes.toml');
    await writeFile(manifest, this.#manifest());
    const made = await this.ask('POST', '/join-tokens', {});
    const { join_token: joinToken } = v.parse(JoinTokenResponseSchema, await made.json());
    const args = [
      programPath('reporter'),
      'run',
      '--hub',
      this.hubUrl,
      '--node',
      NODE,
      '--manifest',
      manifest,
    ];
    this.reporter = this.#start(
      'reporter',
      [...args, '--state-dir', this.stateDir, ...(this.#options.keepEngine ? [] : ['--stop-children'])],
      /^reporter ready gpu-01$/,
      { ARW_JOIN_TOKEN: joinToken },
    );
    await this.reporter.ready;
  }

  async ask(method: string, path: string, body?: object): Promise<Response> {
    return fetch(`${this.hubUrl}${path}`, {
      method,
      headers: { authorization: `Bearer ${ADMIN_TOKEN}`, 'content-type': 'application/json' },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    });
  }

  async item(): Promise<MatrixItem | undefined> {
    const answer = await this.ask('GET', '/state/runtime_matrix');
    return v.parse(MatrixSchema, await answer.json()).items[NODE];
  }

  /** The one runtime's status, as the matrix tells it. */
  async status(): Promise<RuntimeStatus | undefined> {
    return (await this.item())?.runtimes?.[0]?.status;
  }

  async itemWhere(isWanted: (item: MatrixItem) => boolean, withinMs = 20_000): Promise<MatrixItem> {
    const item = await until(
      () => this.item(),
      (found) => found !== undefined && isWanted(found),
      withinMs,
    );
    if (item === undefined) throw new Error('unreachable: the wait has checked it');
    return item;
  }

  async statusWhere(isWanted: (status: RuntimeStatus) => boolean, withinMs = 20_000): Promise<RuntimeStatus> {
    const wanted = (item: MatrixItem): boolean => {
      const status = item.runtimes?.[0]?.status;
      return status !== undefined && isWanted(status);
    };
    const status = (await this.itemWhere(wanted, withinMs)).runtimes?.[0]?.status;
    if (status === undefined) throw new Error('unreachable: the wait has checked it');
    return status;
  }

  async jobWhere(jobId: string, isWanted: (job: Job) => boolean, withinMs = 30_000): Promise<Job> {
    const ask = async (): Promise<Job> => {
      const answer = await this.ask('GET', `/orchestrator/jobs/${encodeURIComponent(jobId)}`);
      return v.parse(JobSchema, await answer.json());
    };
    return until(ask, isWanted, withinMs);
  }

  async restore(body: object = {}): Promise<Response> {
    return this.#command('restore', body);
  }

  async shutdown(): Promise<Response> {
    return this.#command('shutdown', {});
  }

  #command(kind: 'restore' | 'shutdown', body: object): Promise<Response> {
    const path = `/orchestrator/runtimes/${encodeURIComponent(`${NODE}/${RUNTIME}`)}/${kind}`;
    return this.ask('POST', path, body);
  }

  #manifest(): string {
    const { model, wrapper } = this.#options;
    const modelPath = model === undefined ? inject('tinyModel') : model(this.directory);
    const args = ['-m', modelPath, '--port', String(this.enginePort), '-c', '512'];
    return stringify({
      version: 1,
      runtimes: [
        {
          id: RUNTIME,
          adapter: 'llama.cpp',
          name: 'Tiny Llama',
          accelerator: 'cpu',
          ...(this.#options.restart && { restart: this.#options.restart }),
          ...(this.#options.sandbox && { sandbox: { kind: this.#options.sandbox } }),
          process: {
            ...this.#options.process,
            command: wrapper === true ? this.wrapperPath : inject('llamaServer'),
            args: [...args, ...(this.#options.engineArgs ?? [])],
            ...(this.#options.wedgeSeconds && { wedge_seconds: this.#options.wedgeSeconds }),
          },
        },
      ],
    });
  }

  #start(name: string, args: string[], readyLine: RegExp, env: Record<string, string>): Program {
    const note = (line: string): void => void this.#log.push(`${name}: ${line}`);
    return new Program({
      name,
      args,
      env: { ...process.env, ARW_GATEWAY_PORT: '0', ...env },
      readyLine,
      onLine: note,
      onErrorLine: note,
    });
  }
}

function programPath(folder: 'selfhost' | 'reporter'): string {
  return fileURLToPath(new URL(`../../${folder}/main.ts`, import.meta.url));
}
