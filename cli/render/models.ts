// Owns how the models of a runtime are said: one by its name, several by their states.

import type { Model } from '../../contract/runtime-record.ts';
import type { Line } from './line.ts';
import { listed } from './table.ts';

/** What takes memory and serves comes first. */
const STATES = ['loaded', 'sleeping', 'loading', 'downloading', 'failed', 'unloaded', 'unknown'] as const;

/** Where there is no terminal to fill. */
const DEFAULT_COLUMNS = 80;

/** For the line of a runtime: the name of its one model, with a state that is worth a word. */
export function oneModelWords(models: readonly Model[] = [], isStale: boolean): string | undefined {
  const [model, ...others] = models;
  if (model === undefined) return undefined;
  if (others.length > 0) return `${models.length} models`;
  const isSilent = isStale || model.state === 'loaded' || model.state === 'unknown';
  return isSilent ? model.id : `${model.id} (${model.state})`;
}

/** Under the line of a runtime that has several: a line for each state, `loaded: a, b`. */
export function modelLines(
  models: readonly Model[] = [],
  isStale: boolean,
  columns = DEFAULT_COLUMNS,
): Line[] {
  if (models.length < 2) return [];
  if (isStale) return listed('      models:', names(models), columns);
  return STATES.flatMap((state) => {
    const inState = models.filter((model) => model.state === state);
    return inState.length === 0 ? [] : listed(`      ${state}:`, names(inState), columns);
  });
}

function names(models: readonly Model[]): string[] {
  return models.map(({ id }) => id);
}
