// The labels of the wire page, word for word.

import { expect, test } from 'vitest';
import { AcceleratorSchema, acceleratorLabel } from '../../contract/accelerator.ts';
import { isFinalJobState, JOB_STATES } from '../../contract/command.ts';
import { RUNTIME_STATES, severityLabel, severityOfCode, stateLabel } from '../../contract/words.ts';

test('accelerator labels', () => {
  const labels = AcceleratorSchema.options.map((slug) => [slug, acceleratorLabel(slug)]);
  expect(Object.fromEntries(labels)).toEqual({
    cpu: 'CPU',
    gpu_cuda: 'GPU (CUDA)',
    gpu_rocm: 'GPU (ROCm)',
    gpu_metal: 'GPU (Metal)',
    gpu_vulkan: 'GPU (Vulkan)',
    npu_directml: 'NPU (DirectML)',
    npu_coreml: 'NPU (CoreML)',
    npu_other: 'NPU',
    other: 'Other',
  });
  expect(acceleratorLabel(undefined)).toBe('Unspecified');
});

test('states and severities', () => {
  expect(RUNTIME_STATES).toEqual(['unknown', 'starting', 'ready', 'degraded', 'error', 'offline']);
  expect(RUNTIME_STATES.map(stateLabel)).toEqual([
    'Unknown',
    'Starting',
    'Ready',
    'Degraded',
    'Error',
    'Offline',
  ]);
  expect(severityLabel('info')).toBe('Info');
  expect(severityOfCode('ok')).toBe('info');
  expect(severityOfCode('offline')).toBe('error');
});

test('a job is over when it completed, failed, expired or was cancelled', () => {
  expect(JOB_STATES.filter(isFinalJobState)).toEqual(['completed', 'failed', 'expired', 'cancelled']);
});
