// Owns what the supervisor needs of a runtime, be it a process of this host or an endpoint elsewhere.

import type { Act } from '../../contract/command.ts';
import type { RuntimeRecord } from '../../contract/runtime-record.ts';
import type { Endpoint } from '../backends/backend.ts';
import type { RuntimeLog } from './logs.ts';
import type { Outcome } from './state.ts';

export type ManagedRuntime = {
  readonly id: string;
  /** What it writes; undefined where nothing of it is written here. */
  readonly output: RuntimeLog | undefined;
  /** As it crosses the wire, as of now. */
  record(): RuntimeRecord;
  /** Where it takes requests; undefined where none may be sent. */
  endpoint(): Endpoint | undefined;
  /** Takes up what is there already; to be awaited before anything is started. */
  adopt(): Promise<void>;
  /** Its first start, which is no restart; an operator's shutdown goes before it. */
  start(): void;
  /** Carries out one command and resolves with how it ended, however long that takes. */
  carryOut(id: string, act: Act): Promise<Outcome>;
  /** Ends what runs here; resolves when it has ended or cannot be ended. */
  shutDown(): Promise<void>;
  /** Lets go of it: what runs goes on, and nothing more is done here. */
  release(): void;
};
