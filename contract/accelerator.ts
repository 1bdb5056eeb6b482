// Owns how accelerators are named and what one reading of an accelerator holds.

import * as v from 'valibot';
import { RuntimeStateSchema } from './words.ts';
import { Count, Line, Ratio } from './scalars.ts';

export const AcceleratorSchema = v.picklist([
  'cpu',
  'gpu_cuda',
  'gpu_rocm',
  'gpu_metal',
  'gpu_vulkan',
  'npu_directml',
  'npu_coreml',
  'npu_other',
  'other',
]);
export type Accelerator = v.InferOutput<typeof AcceleratorSchema>;

const ACCELERATOR_LABELS: Record<Accelerator, string> = {
  cpu: 'CPU',
  gpu_cuda: 'GPU (CUDA)',
  gpu_rocm: 'GPU (ROCm)',
  gpu_metal: 'GPU (Metal)',
  gpu_vulkan: 'GPU (Vulkan)',
  npu_directml: 'NPU (DirectML)',
  npu_coreml: 'NPU (CoreML)',
  npu_other: 'NPU',
  other: 'Other',
};

/** What a person hears for an accelerator; a runtime that names none is `Unspecified`. */
export function acceleratorLabel(accelerator: Accelerator | undefined): string {
  return accelerator === undefined ? 'Unspecified' : ACCELERATOR_LABELS[accelerator];
}

/** One accelerator as read once. A figure that could not be read is left out: it is never 0. */
export const AcceleratorReadingSchema = v.looseObject({
  id: Line,
  kind: v.picklist(['cpu', 'gpu', 'npu', 'other']),
  accelerator: AcceleratorSchema,
  label: Line,
  name: Line,
  state: RuntimeStateSchema,
  detail: v.optional(v.array(Line)),
  memory_total_bytes: v.optional(Count),
  memory_used_bytes: v.optional(Count),
  utilization_ratio: v.optional(Ratio),
  temperature_celsius: v.optional(v.number()),
  power_watts: v.optional(v.pipe(v.number(), v.minValue(0))),
  driver: v.optional(Line),
});
export type AcceleratorReading = v.InferOutput<typeof AcceleratorReadingSchema>;
