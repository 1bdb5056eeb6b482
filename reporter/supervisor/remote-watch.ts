// Owns the watching of an endpoint elsewhere: it is looked at now and then, and never started, stopped or restarted.

import type { Act } from '../../contract/command.ts';
import type { RuntimeRecord } from '../../contract/runtime-record.ts';
import type { Endpoint } from '../backends/backend.ts';
import { lookAtRemote, type Remote, type RemoteSight } from '../backends/remote.ts';
import type { Log } from '../log.ts';
import { Nudge } from '../nudge.ts';
import { failure } from './decision.ts';
import type { ManagedRuntime } from './managed-runtime.ts';
import { describeRemote } from './remote-words.ts';
import type { Outcome } from './state.ts';
import { AS_MANIFEST } from './variant.ts';

export type RemoteWatchOptions = {
  remote: Remote;
  log: Log;
  onMaterialChange: () => void;
};

export class RemoteWatch implements ManagedRuntime {
  readonly output = undefined;
  readonly variant = AS_MANIFEST;
  /** Nobody here stops it. */
  readonly accepting = true;
  /** Only what a runtime of this host served last holds a request back. */
  readonly lastModels = [];
  readonly #options: RemoteWatchOptions;
  readonly #released = new AbortController();
  #sight: RemoteSight | undefined;
  #updatedAtMs = Date.now();

  constructor(options: RemoteWatchOptions) {
    this.#options = options;
  }

  get id(): string {
    return this.#options.remote.descriptor.id;
  }

  /** It needs no start: from here on it is looked at, where the manifest allows that. */
  adopt(): Promise<void> {
    const endpoint = this.endpoint();
    if (endpoint !== undefined) void this.#watch(endpoint);
    return Promise.resolve();
  }

  release(): void {
    this.#released.abort();
  }

  get version(): unknown {
    return this.#sight ?? this;
  }

  endpoint(): Endpoint | undefined {
    const { optIn, endpoint } = this.#options.remote;
    return optIn ? endpoint : undefined;
  }

  record(): RuntimeRecord {
    const { remote } = this.#options;
    const models = this.#sight?.kind === 'answers' ? this.#sight.models : [];
    return {
      descriptor: { ...remote.descriptor, ...(models.length > 0 && { models }) },
      status: describeRemote(remote, this.#sight, this.#updatedAtMs),
    };
  }

  /** It runs, or does not, without us. */
  start(): void {
    return undefined;
  }

  shutDown(): Promise<Outcome> {
    this.release();
    return Promise.resolve({ ok: true, result: { state: 'offline' } });
  }

  carryOut(_id: string, act: Act): Promise<Outcome> {
    const message = `${this.id} runs elsewhere: it is watched, and cannot be told to ${act.kind} from here`;
    return Promise.resolve(failure('not-supervised', message));
  }

  async #watch(endpoint: Endpoint): Promise<void> {
    const { remote } = this.#options;
    const pause = new Nudge();
    const { signal } = this.#released;
    while (!signal.aborted) {
      const sight = await lookAtRemote(remote, endpoint, signal);
      if (signal.aborted) return;
      this.#note(sight);
      await pause.wait(remote.checkEveryMs, signal);
    }
  }

  #note(sight: RemoteSight): void {
    const before = materialPart(this.record());
    this.#sight = sight;
    this.#updatedAtMs = Date.now();
    const record = this.record();
    if (materialPart(record) === before) return;
    this.#options.log.info(`${this.id}: ${record.status.state_label} - ${record.status.summary}`);
    this.#options.onMaterialChange();
  }
}

/** What a reader must see at once when it changes; how long a look took is not part of it. */
function materialPart({ descriptor, status }: RuntimeRecord): string {
  return JSON.stringify([status.state, status.summary, (descriptor.models ?? []).map(({ id }) => id)]);
}
