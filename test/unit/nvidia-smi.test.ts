// What nvidia-smi may write, and what becomes of it. The lines follow its documented CSV form.

import { expect, test } from 'vitest';
import * as v from 'valibot';
import { AcceleratorReadingSchema } from '../../contract/accelerator.ts';
import { NvidiaCards } from '../../reporter/accelerators/nvidia-cards.ts';
import { parseNvidiaLine } from '../../reporter/accelerators/nvidia-smi.ts';

const H100 = '0, GPU-11111111-aaaa, NVIDIA H100 80GB HBM3, 550.54.15, 81559, 1024, 37, 41, 118.52';
const SECOND = '1, GPU-22222222-bbbb, NVIDIA H100 80GB HBM3, 550.54.15, 81559, 0, 0, 35, 70.10';
const MIB = 1024 * 1024;

test('a full line becomes a reading with every figure, and a measured zero stays zero', () => {
  const parsed = parseNvidiaLine(H100);
  expect(parsed).toEqual({
    kind: 'gpu',
    index: 0,
    reading: {
      id: 'GPU-11111111-aaaa',
      kind: 'gpu',
      accelerator: 'gpu_cuda',
      label: 'GPU (CUDA)',
      name: 'NVIDIA H100 80GB HBM3',
      state: 'ready',
      memory_total_bytes: 81_559 * MIB,
      memory_used_bytes: 1024 * MIB,
      utilization_ratio: 0.37,
      temperature_celsius: 41,
      power_watts: 118.52,
      driver: '550.54.15',
    },
  });
  expect(parseNvidiaLine(SECOND)).toMatchObject({ reading: { memory_used_bytes: 0, utilization_ratio: 0 } });
});

test.each([
  [
    'not applicable (MIG)',
    '0, GPU-1, NVIDIA A100, 535.1, 40960, 88, [N/A], 30, 55.1',
    'utilization_ratio',
    'utilization',
  ],
  [
    'not supported',
    '0, GPU-1, GeForce GT 710, 470.2, 2000, 88, 3, 30, [Not Supported]',
    'power_watts',
    'power',
  ],
  [
    'an unknown error',
    '0, GPU-1, Tesla T4, 535.1, 15360, [Unknown Error], 3, 30, 20',
    'memory_used_bytes',
    'memory use',
  ],
  ['an ERR!', '0, GPU-1, Tesla T4, 535.1, 15360, 10, 3, ERR!, 20', 'temperature_celsius', 'temperature'],
  ['a missing column', '0, GPU-1, Tesla T4, 535.1, 15360, 10, 3, 44', 'power_watts', 'power'],
])('%s is unknown: left out and named, never 0', (_what, line, member, words) => {
  const parsed = parseNvidiaLine(line);
  if (parsed.kind !== 'gpu') throw new Error(`no reading of: ${line}`);
  expect(parsed.reading).not.toHaveProperty(member);
  expect(parsed.reading.detail).toEqual([`Not reported by the driver: ${words}`]);
  expect(v.is(AcceleratorReadingSchema, parsed.reading)).toBe(true);
});

test.each([
  "NVIDIA-SMI has failed because it couldn't communicate with the NVIDIA driver.",
  'No devices were found',
  'Unable to determine the device handle for GPU1: 0000:3B:00.0: GPU is lost. Reboot the system to recover this GPU',
  'Failed to initialize NVML: Driver/library version mismatch',
])('a sentence of the tool is a fault: %s', (line) => {
  expect(parseNvidiaLine(line)).toEqual({ kind: 'fault', message: line });
});

test('a blank line is nothing', () => {
  expect(parseNvidiaLine('  ')).toEqual({ kind: 'nothing' });
});

test('a card that falls off the bus is degraded with the tool’s words, while the other stays ready', () => {
  const cards = new NvidiaCards();
  cards.hear(parseNvidiaLine(H100), 0);
  cards.hear(parseNvidiaLine(SECOND), 0);
  cards.hear(parseNvidiaLine(H100), 20_000);
  cards.hear({ kind: 'fault', message: 'GPU1 is lost' }, 20_000);

  const [first, second] = cards.readings(20_000, 16_000);
  expect(first).toMatchObject({ state: 'ready', utilization_ratio: 0.37 });
  expect(second).toMatchObject({
    state: 'degraded',
    memory_total_bytes: 81_559 * MIB,
    detail: [
      'The driver has not listed this card for 20 s: it may have fallen off the bus',
      'nvidia-smi says: GPU1 is lost',
    ],
  });
  expect(second).not.toHaveProperty('utilization_ratio');
  expect(second).not.toHaveProperty('memory_used_bytes');
});

test('a silent tool degrades every card and says for how long', () => {
  const cards = new NvidiaCards();
  cards.hear(parseNvidiaLine(H100), 0);
  expect(cards.readings(16_000, 16_000)).toMatchObject([{ state: 'ready' }]);
  expect(cards.readings(17_000, 16_000)).toMatchObject([
    { state: 'degraded', detail: ['nvidia-smi has not answered for 17 s'] },
  ]);
});
