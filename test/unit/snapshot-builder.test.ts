// From readings to `runtime.health`: always valid, always one number further.

import { expect, test } from 'vitest';
import * as v from 'valibot';
import { SnapshotSchema } from '../../contract/snapshot.ts';
import { CpuReader, readHost } from '../../reporter/accelerators/host.ts';
import { gpuReadings } from '../../reporter/accelerators/inventory.ts';
import { SnapshotBuilder, type Readings } from '../../reporter/snapshot/snapshot.ts';
import { runtimeRecord } from '../support/snapshot.ts';

const T0 = Date.parse('2026-11-22T12:34:56.789Z');
const readings = (more: Partial<Readings> = {}): Readings => ({
  host: { os: 'linux', arch: 'x64', cpus: 2 },
  records: [runtimeRecord()],
  accelerators: [],
  ...more,
});
const builder = (): SnapshotBuilder => new SnapshotBuilder('gpu-01', 'boot-1', '0.1.0');

test('a snapshot of this very host is valid', () => {
  const cpu = new CpuReader();
  cpu.read();
  const taken = builder().next(readings({ host: readHost(), accelerators: [cpu.read()] }), 5_000, Date.now());
  expect(v.parse(SnapshotSchema, taken)).toEqual(taken);
  expect(taken.accelerators).toMatchObject([{ id: 'cpu', kind: 'cpu', label: 'CPU', state: 'ready' }]);
});

test('who, when and in which order', () => {
  const snapshots = builder();
  const [first, second] = [snapshots.next(readings(), 5_000, T0), snapshots.next(readings(), 20_000, T0 + 1)];
  expect(first).toMatchObject({
    target: 'gpu-01',
    boot_id: 'boot-1',
    seq: 1,
    generated: '2026-11-22T12:34:56.789Z',
    reporter: { version: '0.1.0', interval_ms: 5_000 },
    kernel: { enabled: true },
  });
  expect(second).toMatchObject({
    seq: 2,
    generated: '2026-11-22T12:34:56.790Z',
    reporter: { interval_ms: 20_000 },
  });
});

test('its status and its sums are those of its runtimes', () => {
  const records = [runtimeRecord({ id: 'a' }), runtimeRecord({ id: 'b', state: 'error' })];
  expect(builder().next(readings({ records }), 5_000, T0)).toMatchObject({
    status: { code: 'error', label: 'Error - Runtime b: Error' },
    runtime: { total: 2, states: { ready: 1, error: 1 }, updated: '2026-11-22T12:34:56.789Z' },
    runtimes: records,
  });
});

test('without runtimes and accelerators it is valid, and empty things are left out', () => {
  const taken = builder().next(readings({ records: [] }), 5_000, T0);
  expect(v.parse(SnapshotSchema, taken)).toEqual(taken);
  expect(taken).not.toHaveProperty('accelerators');
  expect(taken.runtime).toEqual({ total: 0, updated: '2026-11-22T12:34:56.789Z' });
});

test('the first reading of the CPU has no utilization: there is nothing to compare with', () => {
  expect(new CpuReader().read()).not.toHaveProperty('utilization_ratio');
});

test('GPUs are listed with what is known, and nothing that is not', () => {
  const found = gpuReadings([
    {
      vendor: 'NVIDIA Corporation',
      model: 'GH100 [H100]',
      name: 'NVIDIA H100',
      pciBus: '01:00.0',
      memoryTotal: 81_559,
      driverVersion: '575.1',
    },
    { vendor: 'Advanced Micro Devices, Inc.', model: 'MI300X', vram: null, driverVersion: '' },
    { vendor: 'Red Hat, Inc.', model: 'Virtio 1.0 GPU' },
    { vendor: 'Intel', model: '' },
  ]);
  expect(found).toEqual([
    {
      id: '01:00.0',
      kind: 'gpu',
      accelerator: 'gpu_cuda',
      label: 'GPU (CUDA)',
      name: 'NVIDIA H100',
      state: 'unknown',
      detail: ['Found at start; its load is not measured'],
      memory_total_bytes: 81_559 * 1024 * 1024,
      driver: '575.1',
    },
    {
      id: 'gpu1',
      kind: 'gpu',
      accelerator: 'gpu_rocm',
      label: 'GPU (ROCm)',
      name: 'MI300X',
      state: 'unknown',
      detail: ['Found at start; its load is not measured'],
    },
  ]);
  expect(v.is(SnapshotSchema, builder().next(readings({ accelerators: found }), 5_000, T0))).toBe(true);
});
