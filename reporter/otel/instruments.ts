// Owns the names under which readings are exported: those of OpenTelemetry's semantic conventions where there are any, ours
// under `arw.` where there are none.

export type Instrument = {
  kind: 'gauge' | 'counter' | 'up-down-counter';
  unit: string;
  description: string;
};

export const INSTRUMENTS = {
  'arw.runtime.state': {
    kind: 'up-down-counter',
    unit: '1',
    description: '1 for the state that a runtime is in, 0 for each of the others',
  },
  'arw.runtime.slots': { kind: 'up-down-counter', unit: '{slot}', description: 'Slots of a runtime' },
  'arw.runtime.requests.active': {
    kind: 'up-down-counter',
    unit: '{request}',
    description: 'Requests at work in a runtime',
  },
  'arw.runtime.requests.queued': {
    kind: 'up-down-counter',
    unit: '{request}',
    description: 'Requests that wait in a runtime',
  },
  'arw.runtime.requests': {
    kind: 'counter',
    unit: '{request}',
    description: 'Requests of a runtime since its start',
  },
  'arw.runtime.errors': {
    kind: 'counter',
    unit: '{request}',
    description: 'Failed requests of a runtime since its start',
  },
  'arw.runtime.prompt_tokens.rate': {
    kind: 'gauge',
    unit: '{token}/s',
    description: 'Pace of reading prompts, of the last minute while it was at work',
  },
  'arw.runtime.predicted_tokens.rate': {
    kind: 'gauge',
    unit: '{token}/s',
    description: 'Pace of generating, of the last minute while it was at work',
  },
  'arw.runtime.probe.duration': {
    kind: 'gauge',
    unit: 's',
    description: 'How long a runtime took to answer a look',
  },
  'arw.runtime.restarts': { kind: 'counter', unit: '{restart}', description: 'Restarts of a runtime' },
  'arw.runtime.restart_budget.limit': {
    kind: 'up-down-counter',
    unit: '{restart}',
    description: 'Restarts that the budget allows in its window',
  },
  'arw.runtime.restart_budget.remaining': {
    kind: 'up-down-counter',
    unit: '{restart}',
    description: 'Restarts that are left in the window',
  },
  'arw.gateway.requests': {
    kind: 'counter',
    unit: '{request}',
    description: 'Requests that the gateway has answered',
  },
  'arw.gateway.errors': { kind: 'counter', unit: '{request}', description: 'Those of them that failed' },
  'arw.gateway.requests.active': {
    kind: 'up-down-counter',
    unit: '{request}',
    description: 'Requests under way through the gateway',
  },
  'arw.host.load': { kind: 'gauge', unit: '1', description: 'Load of one minute by processors' },
  'system.memory.limit': { kind: 'up-down-counter', unit: 'By', description: 'Memory of the host' },
  'system.memory.usage': { kind: 'up-down-counter', unit: 'By', description: 'Memory of the host, by state' },
  'system.cpu.utilization': { kind: 'gauge', unit: '1', description: 'Busy share of the processors' },
  'hw.status': {
    kind: 'up-down-counter',
    unit: '1',
    description: '1 for the state that an accelerator is in, 0 for each of the others',
  },
  'hw.gpu.utilization': { kind: 'gauge', unit: '1', description: 'Busy share of a GPU' },
  'hw.gpu.memory.limit': { kind: 'up-down-counter', unit: 'By', description: 'Memory of a GPU' },
  'hw.gpu.memory.usage': {
    kind: 'up-down-counter',
    unit: 'By',
    description: 'Memory of a GPU that is in use',
  },
  'hw.temperature': { kind: 'gauge', unit: 'Cel', description: 'Temperature of an accelerator' },
  'hw.power': { kind: 'gauge', unit: 'W', description: 'What an accelerator draws' },
} as const satisfies Record<string, Instrument>;

export type InstrumentName = keyof typeof INSTRUMENTS;
