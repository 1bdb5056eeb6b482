// Owns what the supervisor needs of a runtime, be it a process of this host or an endpoint elsewhere.

import type { RuntimeRecord } from '../../contract/runtime-record.ts';
import type { Endpoint } from '../backends/backend.ts';
import type { Operation, Outcome, RuntimeEvent } from './state.ts';

/** An operator's wish, whose outcome somebody waits for. */
export type OperationEvent = Extract<RuntimeEvent, { operation: Operation }>;

export type ManagedRuntime = {
  readonly id: string;
  /** The names that `restore` may give as `preset`. */
  readonly presets: readonly string[];
  /** As it crosses the wire, as of now. */
  record(): RuntimeRecord;
  /** Where it takes requests; undefined where none may be sent. */
  endpoint(): Endpoint | undefined;
  /** Takes up what is there already; to be awaited before anything is started. */
  adopt(): Promise<void>;
  /** Lets go of it: what runs goes on, and nothing more is done here. */
  release(): void;
  operate(event: OperationEvent): Promise<Outcome>;
};
