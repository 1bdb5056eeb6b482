// Owns readings from the kernel's own files: AMD GPUs under /sys/class/drm, Intel and AMD NPUs under /sys/class/accel.

import { readdir, readFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { acceleratorLabel, type AcceleratorReading } from '../../contract/accelerator.ts';
import { codeOf, messageOf } from '../errors.ts';
import type { Log } from '../log.ts';
import type { AcceleratorSource } from './source.ts';

const REFRESH_MS = 5_000;
const AMD_VENDOR = '0x1002';
const NPU_NAMES: Readonly<Record<string, string>> = { intel_vpu: 'Intel NPU', amdxdna: 'AMD NPU' };

export type SysfsOptions = { log: Log; root?: string };

export class SysfsSource implements AcceleratorSource {
  readonly #root: string;
  readonly #log: Log;
  #readings: AcceleratorReading[] = [];
  #timer: NodeJS.Timeout | undefined;
  #told = '';

  constructor({ log, root = '/sys' }: SysfsOptions) {
    this.#log = log;
    this.#root = root;
  }

  start(): void {
    void this.refresh();
    this.#timer = setInterval(() => void this.refresh(), REFRESH_MS);
  }

  readings(): AcceleratorReading[] {
    return this.#readings;
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  /** Reads everything once; what cannot be read now is unknown in the readings. */
  async refresh(): Promise<void> {
    try {
      const [gpus, npus] = await Promise.all([readAmdGpus(this.#root), readNpus(this.#root)]);
      this.#readings = [...gpus, ...npus];
    } catch (error) {
      const message = `accelerators under ${this.#root} cannot be read: ${messageOf(error)}`;
      if (message !== this.#told) this.#log.warn(message);
      this.#told = message;
    }
  }
}

async function readAmdGpus(root: string): Promise<AcceleratorReading[]> {
  const directory = join(root, 'class', 'drm');
  const cards = (await entriesOf(directory)).filter((name) => /^card\d+$/.test(name));
  const readings = await Promise.all(cards.map((card) => readAmdGpu(join(directory, card, 'device'), card)));
  return readings.filter((reading) => reading !== undefined);
}

async function readAmdGpu(device: string, card: string): Promise<AcceleratorReading | undefined> {
  if ((await textOf(join(device, 'vendor'))) !== AMD_VENDOR) return undefined;
  const total = await numberOf(join(device, 'mem_info_vram_total'));
  // A display adapter without memory of its own is no place to infer.
  if (total === undefined) return undefined;
  const [used, busyPercent, name, id, sensors] = await Promise.all([
    numberOf(join(device, 'mem_info_vram_used')),
    numberOf(join(device, 'gpu_busy_percent')),
    textOf(join(device, 'product_name')),
    textOf(join(device, 'unique_id')),
    readSensors(join(device, 'hwmon')),
  ]);
  return {
    id: id === undefined ? card : `GPU-${id}`,
    kind: 'gpu',
    accelerator: 'gpu_rocm',
    label: acceleratorLabel('gpu_rocm'),
    name: name || 'AMD GPU',
    state: 'ready',
    memory_total_bytes: total,
    ...(used !== undefined && { memory_used_bytes: used }),
    ...(busyPercent !== undefined && { utilization_ratio: Math.min(1, busyPercent / 100) }),
    ...sensors,
  };
}

/** hwmon counts in thousandths of a degree and millionths of a watt. */
async function readSensors(
  directory: string,
): Promise<Pick<AcceleratorReading, 'temperature_celsius' | 'power_watts'>> {
  const [monitor] = await entriesOf(directory);
  if (monitor === undefined) return {};
  const [millidegrees, average, input] = await Promise.all([
    numberOf(join(directory, monitor, 'temp1_input')),
    numberOf(join(directory, monitor, 'power1_average')),
    numberOf(join(directory, monitor, 'power1_input')),
  ]);
  const microwatts = average ?? input;
  return {
    ...(millidegrees !== undefined && { temperature_celsius: millidegrees / 1000 }),
    ...(microwatts !== undefined && { power_watts: microwatts / 1_000_000 }),
  };
}

async function readNpus(root: string): Promise<AcceleratorReading[]> {
  const directory = join(root, 'class', 'accel');
  const devices = (await entriesOf(directory)).filter((name) => /^accel\d+$/.test(name));
  return Promise.all(
    devices.map(async (accel): Promise<AcceleratorReading> => {
      const uevent = (await textOf(join(directory, accel, 'device', 'uevent'))) ?? '';
      const driver = /^DRIVER=(.+)$/m.exec(uevent)?.[1];
      return {
        id: basename(accel),
        kind: 'npu',
        accelerator: 'npu_other',
        label: acceleratorLabel('npu_other'),
        name: (driver && NPU_NAMES[driver]) ?? 'NPU',
        // Present, with a driver or without; the kernel tells no load.
        state: driver === undefined ? 'degraded' : 'ready',
        ...(driver === undefined ? { detail: ['No driver is bound to this device'] } : { driver }),
      };
    }),
  );
}

async function entriesOf(directory: string): Promise<string[]> {
  try {
    return (await readdir(directory)).toSorted();
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return [];
    throw error;
  }
}

/** Undefined where the driver has no such file, or cannot answer just now. */
async function textOf(file: string): Promise<string | undefined> {
  try {
    return (await readFile(file, 'utf8')).trim();
  } catch (error) {
    const code = codeOf(error) ?? '';
    if (
      ['ENOENT', 'ENODATA', 'EIO', 'EBUSY', 'EINVAL', 'ENODEV', 'EOPNOTSUPP', 'EACCES', 'EPERM'].includes(
        code,
      )
    ) {
      return undefined;
    }
    throw error;
  }
}

async function numberOf(file: string): Promise<number | undefined> {
  const text = await textOf(file);
  const value = Number(text || Number.NaN);
  return Number.isFinite(value) && value >= 0 ? value : undefined;
}
