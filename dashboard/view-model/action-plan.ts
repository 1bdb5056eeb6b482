// Owns which acts make sense on a runtime as it is now, and what each of them costs: restarts of its budget, and work that
// is turned away. It reads the last snapshot; the node has the last word.

import type { CommandKind } from '../../contract/command.ts';
import type { RuntimeRecord } from '../../contract/runtime-record.ts';

/** What the menu offers: the acts of an operator but `budget`, whose figures are set where they are decided. */
export type ActKind = Exclude<CommandKind, 'budget'>;

export type PlannedAct = {
  kind: ActKind;
  /** As on the button: a verb. */
  label: string;
  /** Why it makes no sense now; undefined where it does. */
  blocked?: string;
};

/** What of a runtime and of its node decides. */
export type Subject = { record: RuntimeRecord; isStale: boolean };

const LABELS: Record<ActKind, string> = {
  restore: 'Restore',
  start: 'Start',
  shutdown: 'Shut down',
  drain: 'Drain',
  undrain: 'Undrain',
  load: 'Load a model',
  unload: 'Unload a model',
  switch: 'Switch preset or sandbox',
};

/** In the order of the menu: always all of them, so that nothing moves under a finger while states change. */
const MENU: readonly ActKind[] = [
  'restore',
  'start',
  'drain',
  'undrain',
  'load',
  'unload',
  'switch',
  'shutdown',
];

export function actLabel(kind: ActKind): string {
  return LABELS[kind];
}

export function actionPlan(subject: Subject): PlannedAct[] {
  return MENU.map((kind) => {
    const blocked = blockedBecause(kind, subject);
    return { kind, label: LABELS[kind], ...(blocked !== undefined && { blocked }) };
  });
}

/** Of a node that is silent nobody knows what its runtimes do: everything may be wished, and waits for it. */
function blockedBecause(kind: ActKind, { record, isStale }: Subject): string | undefined {
  if (isRemote(record)) return 'An endpoint elsewhere: nobody here may start or stop it';
  if (isStale) return undefined;
  const { state, severity, draining } = record.status;
  const isShutDown = state === 'offline' && severity === 'info';
  switch (kind) {
    case 'restore':
      return undefined;
    case 'start':
      return isUp(record) ? 'It is up already' : undefined;
    case 'drain':
      if (draining === true) return 'It is draining already';
      return isUp(record) ? undefined : 'It is not up: there is no work to wait for';
    case 'undrain':
      return draining === true ? undefined : 'It is not draining';
    case 'load':
      if (!isUp(record)) return 'It is not up';
      return modelsToLoad(record).length > 0 ? undefined : noModel(record, 'is not loaded');
    case 'unload':
      if (!isUp(record)) return 'It is not up: no memory is in use';
      return modelsToUnload(record).length > 0 ? undefined : noModel(record, 'is loaded');
    case 'switch':
      return undefined;
    case 'shutdown':
      return isShutDown ? 'It is shut down already' : undefined;
    default:
      return kind satisfies never;
  }
}

/** A runtime with a process has a budget; what has neither is looked at and not steered. */
export function isRemote({ status }: RuntimeRecord): boolean {
  return status.restart_budget === undefined && status.pid === undefined;
}

export function isUp({ status }: RuntimeRecord): boolean {
  return status.state === 'ready' || status.state === 'degraded' || status.state === 'starting';
}

export function modelsToLoad(record: RuntimeRecord): string[] {
  return modelsIn(record, ['unloaded', 'failed', 'unknown', 'sleeping']);
}

export function modelsToUnload(record: RuntimeRecord): string[] {
  return modelsIn(record, ['loaded', 'loading', 'sleeping', 'unknown']);
}

/** A server of one model has it as long as it is up: only one of several can load and free them. */
function modelsIn({ descriptor: { models = [] } }: RuntimeRecord, states: readonly string[]): string[] {
  if (models.length < 2 && models.every(({ state }) => state === 'loaded')) return [];
  return models.filter(({ state }) => states.includes(state)).map(({ id }) => id);
}

function noModel({ descriptor: { models = [] } }: RuntimeRecord, what: string): string {
  if (models.length === 0) return 'It names no model';
  return models.length === 1 ? 'It serves one model, for as long as it is up' : `No model of it ${what}`;
}
