// Owns the `process` backend: any program with a health URL, judged by status and body alone.

import { statusFault, type HealthCheck } from './health-check.ts';
import { look } from './http-probe.ts';
import type { Backend } from './backend.ts';
import { presetSpec } from './launch-spec.ts';
import { commandFault, portFault } from './preflight.ts';
import { describeExit } from './exit-words.ts';
import type { RuntimeDescriptor } from '../../contract/runtime-record.ts';
import type { RuntimeEntry } from '../manifest-schema.ts';

export function processBackend(
  entry: RuntimeEntry,
  descriptor: RuntimeDescriptor,
  check: HealthCheck,
): Backend {
  const launchSpec = (preset: string | undefined) => presetSpec(entry, entry.process.command ?? '', preset);
  return {
    descriptor,
    presets: Object.keys(entry.presets ?? {}),
    launchSpec,
    async preflight(preset, programElsewhere) {
      // A URL writes an IPv6 address in brackets, a socket wants it without.
      const url = new URL(check.url);
      const port = Number(url.port || (url.protocol === 'https:' ? 443 : 80));
      const faults = await Promise.all([
        programElsewhere ? undefined : commandFault(launchSpec(preset)),
        portFault(url.hostname.replace(/^\[|\]$/g, ''), port),
      ]);
      return faults.filter((fault) => fault !== undefined);
    },
    async observe(signal) {
      const answer = await look(check.url, { timeoutMs: check.timeoutMs, method: check.method, signal });
      if (answer.kind !== 'answer') return { kind: 'failing', reason: answer.reason };
      const fault = statusFault(check, answer.status, answer.body);
      if (fault !== undefined) return { kind: 'failing', reason: fault };
      return {
        kind: 'ready',
        health: { latency_ms: Math.round(answer.latencyMs * 10) / 10 },
        models: [],
        sleeping: false,
        notes: [],
      };
    },
    reset: () => undefined,
    endpoint: () => ({ origin: new URL(check.url).origin, headers: {} }),
    explainExit: describeExit,
  };
}
