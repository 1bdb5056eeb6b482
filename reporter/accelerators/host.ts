// Owns the hot readings of the host itself, from the kernel and without spawning anything.

import { availableParallelism, arch, cpus, freemem, loadavg, platform, totalmem } from 'node:os';
import type { AcceleratorReading } from '../../contract/accelerator.ts';
import { acceleratorLabel } from '../../contract/accelerator.ts';
import type { Host } from '../../contract/snapshot.ts';
import { spokenLine } from '../../contract/status.ts';

export function readHost(): Host {
  const [oneMinute = 0] = loadavg();
  return {
    os: platform(),
    arch: arch(),
    cpus: availableParallelism(),
    memory_total_bytes: totalmem(),
    memory_used_bytes: Math.max(0, totalmem() - freemem()),
    // Windows has no load average; Node says 0 there, which would be a lie.
    ...(platform() !== 'win32' && { load_ratio: round(oneMinute / availableParallelism()) }),
  };
}

type CpuTimes = { busyMs: number; totalMs: number };

/** Reads the CPU lane. Utilization is over the time since the last reading, so the first one has none. */
export class CpuReader {
  #last: CpuTimes | undefined;

  read(): AcceleratorReading {
    const cores = cpus();
    const times = cores.reduce<CpuTimes>(
      (sum, { times: { user, nice, sys, irq, idle } }) => ({
        busyMs: sum.busyMs + user + nice + sys + irq,
        totalMs: sum.totalMs + user + nice + sys + irq + idle,
      }),
      { busyMs: 0, totalMs: 0 },
    );
    const last = this.#last;
    this.#last = times;
    const elapsedMs = last === undefined ? 0 : times.totalMs - last.totalMs;
    const host = readHost();
    return {
      id: 'cpu',
      kind: 'cpu',
      accelerator: 'cpu',
      label: acceleratorLabel('cpu'),
      name: spokenLine(cores[0]?.model ?? '') || `${host.cpus} cores`,
      state: 'ready',
      ...(host.memory_total_bytes !== undefined && { memory_total_bytes: host.memory_total_bytes }),
      ...(host.memory_used_bytes !== undefined && { memory_used_bytes: host.memory_used_bytes }),
      ...(last !== undefined &&
        elapsedMs > 0 && {
          utilization_ratio: round(Math.min(1, Math.max(0, (times.busyMs - last.busyMs) / elapsedMs))),
        }),
    };
  }
}

function round(ratio: number): number {
  return Math.round(ratio * 1000) / 1000;
}
