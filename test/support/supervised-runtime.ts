// Owns one runtime of any adapter under real supervision in a test. When the test is over its children are gone.

import { randomUUID } from 'node:crypto';
import { onTestFailed, onTestFinished } from 'vitest';
import type { Model, RuntimeStatus } from '../../contract/runtime-record.ts';
import type { Backend } from '../../reporter/backends/backend.ts';
import { makeBackend } from '../../reporter/backends/registry.ts';
import type { RuntimeEntry } from '../../reporter/manifest-schema.ts';
import { redactor } from '../../reporter/logs/redaction.ts';
import { RuntimeLog } from '../../reporter/supervisor/logs.ts';
import { RuntimeMemory } from '../../reporter/supervisor/memory.ts';
import { RuntimeLoop } from '../../reporter/supervisor/runtime-loop.ts';
import type { Outcome, Policy } from '../../reporter/supervisor/state.ts';
import { eventually } from './eventually.ts';
import { RecordedLog } from './recorded-log.ts';
import { temporaryFolder } from './temporary-folder.ts';

const POLICY: Policy = {
  budget: { maxRestarts: 3, windowMs: 600_000 },
  backoff: { baseMs: 20, capMs: 20 },
  loadLimitMs: 20_000,
  stopGraceMs: 5_000,
  wedgeMs: 60_000,
};

/** What a frozen one may take to be found, ended and started again. */
const WITHIN_MS = 30_000;

export class SupervisedRuntime {
  readonly backend: Backend;
  readonly loop: RuntimeLoop;
  readonly log = new RecordedLog();

  private constructor(folder: string, entry: RuntimeEntry, policy: Partial<Policy>) {
    this.backend = makeBackend(entry, { llamaServer: 'no-such-llama-server' });
    this.loop = new RuntimeLoop({
      backend: this.backend,
      policy: { ...POLICY, ...policy },
      output: new RuntimeLog(folder, entry.id, () => redactor([])),
      memory: new RuntimeMemory(folder, entry.id),
      log: this.log,
      onMaterialChange: () => undefined,
    });
  }

  static async prepare(entry: RuntimeEntry, policy: Partial<Policy> = {}): Promise<SupervisedRuntime> {
    const runtime = new SupervisedRuntime(await temporaryFolder(), entry, policy);
    onTestFailed(() => {
      process.stderr.write(`${runtime.log.text()}\n`);
    });
    onTestFinished(async () => {
      await runtime.shutdown();
    });
    return runtime;
  }

  get status(): RuntimeStatus {
    return this.loop.record().status;
  }

  get models(): Model[] | undefined {
    return this.loop.record().descriptor.models;
  }

  start(): Promise<Outcome> {
    return this.loop.operate({ kind: 'start', operation: { id: randomUUID(), kind: 'start' } });
  }

  shutdown(): Promise<Outcome> {
    return this.loop.shutDown();
  }

  statusWhere(isWanted: (status: RuntimeStatus) => boolean, what: string): Promise<RuntimeStatus> {
    const look = (): RuntimeStatus | false => isWanted(this.status) && this.status;
    return eventually(what, look, WITHIN_MS);
  }
}
