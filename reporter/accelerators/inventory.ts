// Owns the list of GPUs present, taken once at start: it spawns vendor tools, so it is no place for hot figures.

import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import * as v from 'valibot';
import { acceleratorLabel, type Accelerator, type AcceleratorReading } from '../../contract/accelerator.ts';
import { spokenLine } from '../../contract/status.ts';

/** What `systeminformation` says of one display controller, as far as it is read here. */
const ControllerSchema = v.object({
  vendor: v.string(),
  model: v.string(),
  name: v.optional(v.string()),
  pciBus: v.optional(v.string()),
  busAddress: v.optional(v.string()),
  memoryTotal: v.optional(v.number()),
  vram: v.nullish(v.number()),
  driverVersion: v.optional(v.string()),
});
export type GpuController = v.InferOutput<typeof ControllerSchema>;
const ControllersSchema = v.pipe(v.string(), v.parseJson(), v.array(ControllerSchema));

const MIB = 1024 * 1024;

const VENDORS: readonly { pattern: RegExp; accelerator: Accelerator }[] = [
  { pattern: /nvidia/i, accelerator: 'gpu_cuda' },
  { pattern: /amd|advanced micro devices|radeon/i, accelerator: 'gpu_rocm' },
  { pattern: /apple/i, accelerator: 'gpu_metal' },
  { pattern: /intel/i, accelerator: 'gpu_vulkan' },
];

/** Prints what a package found; its place is the argument. */
const LIST_CONTROLLERS = `
  const { graphics } = require(process.argv[1]);
  graphics().then(({ controllers }) => process.stdout.write(JSON.stringify(controllers)));
`;
const WITHIN_MS = 30_000;

/**
 * One reading a GPU with what does not change; its state is `unknown`, since nothing of it was measured. Listed by a
 * process of its own: the package waits for its tools in a way that stops a program, and costs memory once loaded.
 */
export async function readGpuInventory(): Promise<AcceleratorReading[]> {
  const place = fileURLToPath(import.meta.resolve('systeminformation'));
  const args = ['--eval', LIST_CONTROLLERS, place];
  const { stdout } = await promisify(execFile)(process.execPath, args, { timeout: WITHIN_MS });
  return gpuReadings(v.parse(ControllersSchema, stdout));
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
