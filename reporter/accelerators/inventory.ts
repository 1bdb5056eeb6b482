// Owns the list of GPUs present, taken once at start: it spawns vendor tools, so it is no place for hot figures.

import { acceleratorLabel, type Accelerator, type AcceleratorReading } from '../../contract/accelerator.ts';
import { spokenLine } from '../../contract/status.ts';

/** What `systeminformation` says of one display controller, as far as it is read here. */
export type GpuController = {
  vendor: string;
  model: string;
  name?: string;
  pciBus?: string;
  busAddress?: string;
  memoryTotal?: number;
  vram?: number | null;
  driverVersion?: string;
};

const MIB = 1024 * 1024;

const VENDORS: readonly { pattern: RegExp; accelerator: Accelerator }[] = [
  { pattern: /nvidia/i, accelerator: 'gpu_cuda' },
  { pattern: /amd|advanced micro devices|radeon/i, accelerator: 'gpu_rocm' },
  { pattern: /apple/i, accelerator: 'gpu_metal' },
  { pattern: /intel/i, accelerator: 'gpu_vulkan' },
];

/** One reading a GPU with what does not change; its state is `unknown`, since nothing of it was measured. */
export async function readGpuInventory(): Promise<AcceleratorReading[]> {
  // Loaded here: the package is needed once and costs memory for as long as it is loaded.
  const { graphics } = await import('systeminformation');
  const { controllers } = await graphics();
  return gpuReadings(controllers);
}

export function gpuReadings(controllers: readonly GpuController[]): AcceleratorReading[] {
  return controllers.flatMap((controller, index) => {
    // The tools leave what they do not know empty as often as out, and an empty line does not cross the wire.
    const name = spokenLine(controller.name || controller.model);
    const vendor = VENDORS.find(({ pattern }) => pattern.test(`${controller.vendor} ${controller.model}`));
    // Consoles of virtual machines and boards list a display adapter too; nobody infers on those.
    if (vendor === undefined || name === '') return [];
    const driver = spokenLine(controller.driverVersion ?? '');
    const totalMib = controller.memoryTotal ?? controller.vram ?? 0;
    return [
      {
        id: spokenLine(controller.pciBus || controller.busAddress || `gpu${index}`),
        kind: 'gpu' as const,
        accelerator: vendor.accelerator,
        label: acceleratorLabel(vendor.accelerator),
        name,
        state: 'unknown' as const,
        detail: ['Found at start; its load is not measured'],
        ...(totalMib > 0 && { memory_total_bytes: totalMib * MIB }),
        ...(driver !== '' && { driver }),
      },
    ];
  });
}
