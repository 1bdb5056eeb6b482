// Owns a fleet for tests of the dashboard: hub and reporter as users run them, with stub engines that no test has to wait
// for. Ended by who started it.

import { appendFile, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { stringify } from 'smol-toml';
import * as v from 'valibot';
import { MatrixSchema } from '../../contract/read-models.ts';
import type { RuntimeStatus } from '../../contract/runtime-record.ts';
import { stubEngine } from '../../scripts/engine/find-engine.ts';
import { findModel } from '../../scripts/engine/find-model.ts';
import { startFleet, type Fleet } from '../../scripts/fleet/fleet.ts';
import { freePort } from '../../scripts/fleet/free-port.ts';
import { eventually } from './eventually.ts';

/** No settings of the one who runs the tests. */
const { ARW_ADMIN_TOKEN: _token, ARW_HUB_URL: _url, ...ENV } = process.env;

/** `[runtimes.restart]` of each runtime, by its id, and the names of its presets, which change nothing of it. */
export type StubRuntimes = Record<string, { max: number; window_seconds: number; presets?: string[] }>;

/** What a start may take, of all of them at once, on a slow machine. */
const STATUS_WITHIN_MS = 30_000;

export class StubFleet {
  readonly fleet: Fleet;
  readonly #directory: string;
  readonly #killed = new Set<number>();

  private constructor(fleet: Fleet, directory: string) {
    this.fleet = fleet;
    this.#directory = directory;
  }

  /** Every runtime is ready. */
  static async ready(runtimes: StubRuntimes): Promise<StubFleet> {
    const directory = await mkdtemp(join(tmpdir(), 'runtime-matrix-browser-'));
    const { command, args } = stubEngine();
    const { path: model } = await findModel({ env: {}, cacheDir: directory, log: () => undefined });
    const ports = new Map<string, number>();
    for (const id of Object.keys(runtimes)) ports.set(id, await freePort());
    const manifest = stringify({
      version: 1,
      runtimes: Object.entries(runtimes).map(([id, { presets = [], ...restart }]) => ({
        id,
        name: `Stub ${id}`,
        adapter: 'llama.cpp',
        accelerator: 'cpu',
        restart,
        presets: Object.fromEntries(presets.map((preset) => [preset, {}])),
        process: { command, args: [...args, '-m', model, '--port', String(ports.get(id))] },
      })),
    });
    const fleet = await startFleet({
      directory,
      host: '127.0.0.1',
      port: 0,
      env: { ...ENV, ARW_GATEWAY_PORT: String(await freePort()) },
      manifest,
      onLine: () => undefined,
    });
    const started = new StubFleet(fleet, directory);
    try {
      for (const id of ports.keys()) await started.statusWhere(id, ({ state }) => state === 'ready');
    } catch (error) {
      await started.stop();
      throw error;
    }
    return started;
  }

  async stop(): Promise<void> {
    await this.fleet.stop();
    await rm(this.#directory, { recursive: true, force: true });
  }

  async statusWhere(id: string, isWanted: (status: RuntimeStatus) => boolean): Promise<RuntimeStatus> {
    const look = async (): Promise<RuntimeStatus | false> => {
      const answer = await this.ask('GET', 'state/runtime_matrix');
      const { items } = v.parse(MatrixSchema, await answer.json());
      const record = items[this.fleet.node]?.runtimes?.find(({ descriptor }) => descriptor.id === id);
      return record !== undefined && isWanted(record.status) && record.status;
    };
    return eventually(`a status of ${id} as wanted`, look, STATUS_WITHIN_MS);
  }

  async ask(method: string, path: string, body?: object): Promise<Response> {
    return fetch(new URL(path, `${this.fleet.hubUrl}/`), {
      method,
      headers: { authorization: `Bearer ${this.fleet.adminToken}`, 'content-type': 'application/json' },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    });
  }

  /** How many lines its log has. */
  async lines(id: string): Promise<number> {
    return (await readFile(this.#logOf(id), 'utf8')).split('\n').length - 1;
  }

  /** So many lines more in the log of a runtime, as its engine writes them. */
  async write(id: string, lines: number): Promise<void> {
    const text = Array.from({ length: lines }, (_, index) => `line ${index} of ${id}\n`).join('');
    await appendFile(this.#logOf(id), text);
  }

  async kill(id: string): Promise<void> {
    // The matrix may be 250 ms old, and name the one that was killed before.
    const isNext = (pid: number | undefined): pid is number => pid !== undefined && !this.#killed.has(pid);
    const { pid } = await this.statusWhere(id, (status) => status.state === 'ready' && isNext(status.pid));
    if (!isNext(pid)) throw new Error('unreachable: the wait has checked it');
    this.#killed.add(pid);
    process.kill(pid, 'SIGKILL');
  }

  #logOf(id: string): string {
    return join(this.#directory, 'node', 'logs', `${id}.log`);
  }
}
