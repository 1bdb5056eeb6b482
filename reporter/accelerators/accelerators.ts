// Owns the list of accelerators in a snapshot: live sources first, and from the inventory only what none of them reads.

import type { AcceleratorReading } from '../../contract/accelerator.ts';
import { messageOf } from '../errors.ts';
import type { Log } from '../log.ts';
import { CpuReader } from './host.ts';
import { readGpuInventory } from './inventory.ts';
import { NvidiaSource } from './nvidia.ts';
import type { AcceleratorSource } from './source.ts';
import { SysfsSource } from './sysfs.ts';

export class Accelerators {
  readonly #log: Log;
  readonly #cpu = new CpuReader();
  readonly #sources: readonly AcceleratorSource[];
  #inventory: AcceleratorReading[] = [];

  constructor(
    log: Log,
    sources: readonly AcceleratorSource[] = [new NvidiaSource({ log }), new SysfsSource({ log })],
  ) {
    this.#log = log;
    this.#sources = sources;
  }

  /** Resolves when the inventory has been taken; the sources read on until `stop`. */
  async start(): Promise<void> {
    for (const source of this.#sources) source.start();
    try {
      this.#inventory = await readGpuInventory();
    } catch (error) {
      this.#log.warn(`GPUs cannot be listed: ${messageOf(error)}`);
    }
  }

  readings(nowMs: number): AcceleratorReading[] {
    const live = this.#sources.flatMap((source) => source.readings(nowMs));
    const read = new Set(live.map(({ accelerator }) => accelerator));
    return [
      this.#cpu.read(),
      ...live,
      ...this.#inventory.filter(({ accelerator }) => !read.has(accelerator)),
    ];
  }

  stop(): void {
    for (const source of this.#sources) source.stop();
  }
}
