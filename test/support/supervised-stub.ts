// Owns one runtime under real supervision in a test: loop, child, log and the stub engine. When the test is over its
// children are gone, whatever happened.

import { randomUUID } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import * as v from 'valibot';
import { onTestFailed, onTestFinished } from 'vitest';
import type { Model, RuntimeStatus } from '../../contract/runtime-record.ts';
import type { RuntimeState as Slug } from '../../contract/words.ts';
import { makeBackend } from '../../reporter/backends/registry.ts';
import { redactor } from '../../reporter/logs/redaction.ts';
import type { RuntimeEntry } from '../../reporter/manifest-schema.ts';
import { sandboxesOf } from '../../reporter/sandbox/sandboxes.ts';
import { RuntimeLog } from '../../reporter/supervisor/logs.ts';
import { RuntimeMemory } from '../../reporter/supervisor/memory.ts';
import { RuntimeLoop } from '../../reporter/supervisor/runtime-loop.ts';
import type { Outcome, Policy } from '../../reporter/supervisor/state.ts';
import type { Variant } from '../../reporter/supervisor/variant.ts';
import { freePort } from './engine-process.ts';
import { eventually } from './eventually.ts';
import { RecordedLog } from './recorded-log.ts';
import { temporaryFolder } from './temporary-folder.ts';

export const STUB = fileURLToPath(new URL('../../scripts/engine/stub-llama-server.ts', import.meta.url));

const POLICY: Policy = {
  budget: { maxRestarts: 3, windowMs: 600_000 },
  backoff: { baseMs: 20, capMs: 20 },
  loadLimitMs: 20_000,
  stopGraceMs: 5_000,
  wedgeMs: 60_000,
};

const AskedSchema = v.object({ asked: v.record(v.string(), v.number()), is_sleeping: v.boolean() });

export type SupervisedOptions = {
  /** The stub's own flags, after `-m` and `--port`. */
  args?: readonly string[];
  /** What is spawned instead of Node itself. */
  command?: (folder: string) => string;
  /** What comes before the stub's flags: the stub as Node's first argument, unless a wrapper needs more. */
  lead?: readonly string[];
  policy?: Partial<Policy>;
  probeTimeoutMs?: number;
  withModel?: boolean;
  /** Further keys of `[runtimes.process]`. */
  settings?: Partial<RuntimeEntry['process']>;
  /** `[runtimes.sandbox]` of the manifest. */
  sandbox?: RuntimeEntry['sandbox'];
};

export class SupervisedStub {
  readonly loop: RuntimeLoop;
  readonly port: number;
  readonly modelPath: string;
  readonly folder: string;
  readonly log = new RecordedLog();
  /** The slugs that a reader of the matrix was told, in order, none twice in a row. */
  readonly told: Slug[] = [];
  /** The summaries beside them, in order: what lasts for a moment is looked for here. */
  readonly summaries: string[] = [];
  readonly #output: RuntimeLog;

  private constructor(folder: string, port: number, options: SupervisedOptions) {
    this.folder = folder;
    this.port = port;
    this.modelPath = join(folder, 'tiny.gguf');
    this.#output = new RuntimeLog(folder, 'llama:stub', () => redactor([]));
    const entry = this.#entry(options);
    const policy = { ...POLICY, ...options.policy };
    this.loop = new RuntimeLoop({
      backend: makeBackend(entry, { llamaServer: 'no-such-llama-server' }),
      policy,
      sandbox: sandboxesOf(entry, { node: 'gpu-01', stateDir: folder, stopGraceMs: policy.stopGraceMs }),
      output: this.#output,
      memory: new RuntimeMemory(folder, 'llama:stub'),
      log: this.log,
      onMaterialChange: () => {
        const { state, summary } = this.status;
        if (this.told.at(-1) !== state) this.told.push(state);
        this.summaries.push(summary);
      },
    });
  }

  static async prepare(options: SupervisedOptions = {}): Promise<SupervisedStub> {
    const stub = new SupervisedStub(await temporaryFolder(), await freePort(), options);
    if (options.withModel !== false) await writeFile(stub.modelPath, 'a model that nobody reads');
    onTestFailed(() => {
      process.stderr.write(`${stub.log.text()}\n`);
    });
    onTestFinished(async () => {
      await stub.shutdown();
    });
    return stub;
  }

  /** Prepared, started, and ready. */
  static async ready(options: SupervisedOptions = {}): Promise<SupervisedStub> {
    const stub = await SupervisedStub.prepare(options);
    const outcome = await stub.start();
    if (!outcome.ok) throw new Error(`Not ready: ${outcome.error.message}`);
    return stub;
  }

  get status(): RuntimeStatus {
    return this.loop.record().status;
  }

  get models(): Model[] | undefined {
    return this.loop.record().descriptor.models;
  }

  get pid(): number {
    const { pid } = this.status;
    if (pid === undefined) throw new Error('There is no child now');
    return pid;
  }

  start(): Promise<Outcome> {
    return this.loop.operate({ kind: 'start', operation: { id: randomUUID(), kind: 'start' } });
  }

  restore(force = false, variant: Variant = {}): Promise<Outcome> {
    const operation = { id: randomUUID(), kind: 'restore' as const };
    return this.loop.operate({ kind: 'restore', operation, restart: true, force, variant });
  }

  shutdown(): Promise<Outcome> {
    return this.loop.operate({
      kind: 'shutdown',
      operation: { id: randomUUID(), kind: 'shutdown' },
      lasting: false,
    });
  }

  statusWhere(isWanted: (status: RuntimeStatus) => boolean, what: string): Promise<RuntimeStatus> {
    return eventually(what, () => {
      const { status } = this;
      return isWanted(status) ? status : undefined;
    });
  }

  /** How often the server was asked for each path. */
  async asked(): Promise<v.InferOutput<typeof AskedSchema>> {
    const answer = await fetch(`http://127.0.0.1:${this.port}/__stub`);
    return v.parse(AskedSchema, await answer.json());
  }

  output(): Promise<string> {
    return readFile(this.#output.path, 'utf8');
  }

  #entry(options: SupervisedOptions): RuntimeEntry {
    const { args = [], command, lead = [STUB], probeTimeoutMs, settings, sandbox } = options;
    const url = `http://127.0.0.1:${this.port}/health`;
    return {
      id: 'llama:stub',
      adapter: 'llama.cpp',
      ...(sandbox && { sandbox }),
      process: {
        ...settings,
        command: command?.(this.folder) ?? process.execPath,
        args: [...lead, '-m', this.modelPath, '--port', String(this.port), ...args],
        ...(probeTimeoutMs !== undefined && { health: { url, timeout_ms: probeTimeoutMs } }),
      },
    };
  }
}
