// Owns what the supervisor needs of a runtime, be it a process of this host or an endpoint elsewhere.

import type { Act } from '../../contract/command.ts';
import type { RuntimeRecord } from '../../contract/runtime-record.ts';
import type { Endpoint } from '../backends/backend.ts';
import type { RuntimeLog } from './logs.ts';
import type { RuntimeParts } from './runtime-loop.ts';
import type { Outcome } from './state.ts';
import type { Variant } from './variant.ts';

export type ManagedRuntime = {
  readonly id: string;
  /** What it writes; undefined where nothing of it is written here. */
  readonly output: RuntimeLog | undefined;
  /** What commands made of it. */
  readonly variant: Variant;
  /** As it crosses the wire, as of now. */
  record(): RuntimeRecord;
  /** Another value whenever the record may say something else than how many seconds something has lasted. */
  readonly version: unknown;
  /** Where it takes requests; undefined where none may be sent. */
  endpoint(): Endpoint | undefined;
  /** Whether its process takes requests: one that is being stopped does not, however it is described meanwhile. */
  readonly accepting: boolean;
  /** The models that it served last, by id: known also while it is down. */
  readonly lastModels: readonly string[];
  /** Takes up what is there already; to be awaited before anything is started. */
  adopt(): Promise<void>;
  /** Its first start, which is no restart; an operator's shutdown goes before it. */
  start(): void;
  /** Carries out one command and resolves with how it ended, however long that takes. */
  carryOut(id: string, act: Act): Promise<Outcome>;
  /**
   * Puts what another manifest says in force. With `relaunch` what runs is restarted as the new one, unspent. Undefined
   * where it is made anew instead.
   */
  replace?(parts: RuntimeParts, relaunch: boolean): void;
  /**
   * Ends what runs here; resolves when it has ended or cannot be ended.
   * @param graceMs the longest between SIGTERM and SIGKILL, where the manifest allows more.
   */
  shutDown(graceMs?: number): Promise<Outcome>;
  /** Lets go of it: what runs goes on, and nothing more is done here. */
  release(): void;
};
