// Owns what the gateway may know of a runtime when it decides where a request goes. It reads; the supervisor owns.

import type { Model, RuntimeRecord } from '../../contract/runtime-record.ts';
import type { RuntimeState } from '../../contract/words.ts';
import type { Endpoint } from '../backends/backend.ts';

export type Routable = {
  id: string;
  models: readonly Model[];
  state: RuntimeState;
  /** What the runtime says of itself, for a client that is turned away. */
  summary: string;
  /** False for one that takes no new work, whatever its state: it is draining, stopping or not up. */
  accepting: boolean;
  /** On another host: what is sent there leaves this one. */
  isElsewhere: boolean;
  /** How many requests its server works on at once; undefined where that is unknown. */
  capacity: number | undefined;
  /** Requests in its server, running and queued, at the last look; undefined where that is unknown. */
  reportedJobs: number | undefined;
  endpoint: Endpoint | undefined;
};

/** What the supervisor knows beyond the record, which is made for readers. */
export type Known = {
  /** Whether its process takes requests. */
  accepting: boolean;
  /** The models that it served last, by id. */
  lastModels: readonly string[];
};

/**
 * While a runtime is down its models are those that it served last: a request for one of them is turned away here, and
 * goes to no other host.
 * @param endpoint undefined where nothing may be sent, whatever state it is in.
 */
export function routableOf(
  { descriptor, status }: RuntimeRecord,
  endpoint: Endpoint | undefined,
  { accepting, lastModels }: Known,
): Routable {
  const last = accepting ? [] : lastModels.map((id): Model => ({ id, state: 'unloaded' }));
  const { capacity, inflight_jobs: running, queued_jobs: queued } = status.health ?? {};
  return {
    id: descriptor.id,
    models: descriptor.models ?? last,
    state: status.state,
    summary: status.summary,
    isElsewhere: descriptor.adapter === 'remote',
    accepting: accepting && isUp(status.state) && status.draining !== true && endpoint !== undefined,
    capacity,
    reportedJobs: running === undefined && queued === undefined ? undefined : (running ?? 0) + (queued ?? 0),
    endpoint,
  };
}

/** A degraded one may only be slow to answer its probes; of an unknown one nobody has said that it is down. */
export function isUp(state: RuntimeState): boolean {
  return state === 'ready' || state === 'degraded' || state === 'unknown';
}
