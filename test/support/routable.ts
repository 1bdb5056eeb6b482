// Owns runtimes as the gateway sees them, for tests that decide without any.

import type { Model } from '../../contract/runtime-record.ts';
import type { Routable } from '../../reporter/gateway/routable.ts';

export const model = (id: string, state: Model['state'] = 'loaded'): Model => ({ id, state });

export function routable(id: string, more: Partial<Routable> = {}): Routable {
  return {
    id,
    models: [],
    state: 'ready',
    summary: 'Ready',
    isElsewhere: false,
    accepting: true,
    capacity: undefined,
    reportedJobs: undefined,
    endpoint: { origin: 'http://127.0.0.1:9', headers: {} },
    ...more,
  };
}
