// Owns the text of `nvidia-smi`: how it is asked and what a line of its answer says. Pure: no process, no clock.

import { acceleratorLabel, type AcceleratorReading } from '../../contract/accelerator.ts';
import { spokenLine } from '../../contract/status.ts';

const MIB = 1024 * 1024;

/** What is asked for, in the order of the columns. */
const COLUMNS = [
  'index',
  'uuid',
  'name',
  'driver_version',
  'memory.total',
  'memory.used',
  'utilization.gpu',
  'temperature.gpu',
  'power.draw',
] as const;

/** One process that answers every few seconds; without units, so that a column is a number or is unknown. */
export function nvidiaSmiArgs(everySeconds: number): string[] {
  return [`--query-gpu=${COLUMNS.join(',')}`, '--format=csv,noheader,nounits', '-l', String(everySeconds)];
}

export type NvidiaLine =
  | { kind: 'gpu'; index: number; reading: AcceleratorReading }
  /** The tool says that something is wrong, with a card or with the driver. */
  | { kind: 'fault'; message: string }
  | { kind: 'nothing' };

/**
 * Reads one line. A figure in brackets (`[N/A]`, `[Not Supported]`, `[Unknown Error]`), an `ERR!` and a column that
 * is not there are unknown: left out of the reading, and named in its detail.
 */
export function parseNvidiaLine(line: string): NvidiaLine {
  const text = line.trim();
  if (text === '') return { kind: 'nothing' };
  const cells = text.split(',').map((cell) => cell.trim());
  const cell = (column: (typeof COLUMNS)[number]): string | undefined => cells[COLUMNS.indexOf(column)];
  const index = Number(cell('index'));
  const uuid = cell('uuid');
  if (!Number.isInteger(index) || uuid === undefined || !/^(GPU|MIG)-/.test(uuid)) {
    return { kind: 'fault', message: spokenLine(text) };
  }
  const unknown: string[] = [];
  const figure = (column: (typeof COLUMNS)[number], words: string): number | undefined => {
    const value = Number(cell(column) || Number.NaN);
    if (Number.isFinite(value) && value >= 0) return value;
    unknown.push(words);
    return undefined;
  };
  const totalMib = figure('memory.total', 'memory size');
  const usedMib = figure('memory.used', 'memory use');
  const utilizationPercent = figure('utilization.gpu', 'utilization');
  const celsius = figure('temperature.gpu', 'temperature');
  const watts = figure('power.draw', 'power');
  const driver = known(cell('driver_version'));
  return {
    kind: 'gpu',
    index,
    reading: {
      id: uuid,
      kind: 'gpu',
      accelerator: 'gpu_cuda',
      label: acceleratorLabel('gpu_cuda'),
      name: spokenLine(known(cell('name')) ?? 'NVIDIA GPU'),
      state: 'ready',
      ...(unknown.length > 0 && { detail: [`Not reported by the driver: ${unknown.join(', ')}`] }),
      ...(totalMib !== undefined && { memory_total_bytes: totalMib * MIB }),
      ...(usedMib !== undefined && { memory_used_bytes: usedMib * MIB }),
      ...(utilizationPercent !== undefined && { utilization_ratio: Math.min(1, utilizationPercent / 100) }),
      ...(celsius !== undefined && { temperature_celsius: celsius }),
      ...(watts !== undefined && { power_watts: watts }),
      ...(driver !== undefined && { driver }),
    },
  };
}

function known(text: string | undefined): string | undefined {
  return text === undefined || text === '' || text.startsWith('[') || text === 'ERR!' ? undefined : text;
}
