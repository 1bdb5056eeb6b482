// Owns the words of the field: the slugs that cross the wire and what a person hears for each of them.

import * as v from 'valibot';

export const RUNTIME_STATES = ['unknown', 'starting', 'ready', 'degraded', 'error', 'offline'] as const;
export const RuntimeStateSchema = v.picklist(RUNTIME_STATES);
export type RuntimeState = v.InferOutput<typeof RuntimeStateSchema>;

export const SeveritySchema = v.picklist(['info', 'warn', 'error']);
export type Severity = v.InferOutput<typeof SeveritySchema>;

export const StatusCodeSchema = v.picklist(['ok', 'degraded', 'error', 'offline']);
export type StatusCode = v.InferOutput<typeof StatusCodeSchema>;

/** How a runtime is confined on its host. */
export const SANDBOX_KINDS = ['none', 'bwrap', 'container'] as const;
export const SandboxKindSchema = v.picklist(SANDBOX_KINDS);
export type SandboxKind = v.InferOutput<typeof SandboxKindSchema>;

const STATE_LABELS: Record<RuntimeState, string> = {
  unknown: 'Unknown',
  starting: 'Starting',
  ready: 'Ready',
  degraded: 'Degraded',
  error: 'Error',
  offline: 'Offline',
};

const SEVERITY_LABELS: Record<Severity, string> = { info: 'Info', warn: 'Warning', error: 'Error' };

/** The severity of a runtime of which nothing but its state is known. An intended stop lowers `offline` to info. */
const STATE_SEVERITIES: Record<RuntimeState, Severity> = {
  unknown: 'warn',
  starting: 'info',
  ready: 'info',
  degraded: 'warn',
  error: 'error',
  offline: 'error',
};

const STATUS_SEVERITIES: Record<StatusCode, Severity> = {
  ok: 'info',
  degraded: 'warn',
  error: 'error',
  offline: 'error',
};

export function stateLabel(state: RuntimeState): string {
  return STATE_LABELS[state];
}

export function severityLabel(severity: Severity): string {
  return SEVERITY_LABELS[severity];
}

export function severityOfState(state: RuntimeState): Severity {
  return STATE_SEVERITIES[state];
}

export function severityOfCode(code: StatusCode): Severity {
  return STATUS_SEVERITIES[code];
}
