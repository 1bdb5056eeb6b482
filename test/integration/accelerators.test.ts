// Accelerator sources against a fixture program and a fixture /sys.

import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, expect, onTestFinished, test, vi } from 'vitest';
import { NvidiaSource } from '../../reporter/accelerators/nvidia.ts';
import { SysfsSource } from '../../reporter/accelerators/sysfs.ts';
import { eventually } from '../support/eventually.ts';
import { processesWith } from '../support/processes.ts';
import { RecordedLog } from '../support/recorded-log.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

const PROGRAM = fileURLToPath(new URL('../fixtures/programs/nvidia-smi.ts', import.meta.url));

afterEach(() => vi.unstubAllEnvs());

/** By default nothing is silent for so long that the watchdog would end it: a busy machine starts no program at once. */
function nvidia(
  behaviour: string,
  {
    command = PROGRAM,
    silentAfterMs = 60_000,
    watchEveryMs = 60_000,
  }: { command?: string; silentAfterMs?: number; watchEveryMs?: number } = {},
): { source: NvidiaSource; log: RecordedLog } {
  vi.stubEnv('FAKE_NVIDIA_SMI', behaviour);
  const log = new RecordedLog();
  const source = new NvidiaSource({ log, command, silentAfterMs, watchEveryMs });
  onTestFinished(async () => {
    source.stop();
    await eventually(
      'the fixture program has ended',
      async () => (await processesWith(PROGRAM)).length === 0,
    );
  });
  source.start();
  return { source, log };
}

test('one process answers for all cards, again and again', async () => {
  const { source } = nvidia('steady');
  const readings = await eventually('two cards', () => {
    const found = source.readings(Date.now());
    return found.length === 2 && found;
  });
  expect(readings.map(({ id, state }) => [id, state])).toEqual([
    ['GPU-11111111-aaaa', 'ready'],
    ['GPU-22222222-bbbb', 'ready'],
  ]);
  expect(await processesWith(PROGRAM)).toHaveLength(1);
});

test('a card that is lost is degraded with what the tool says, the other one is not', async () => {
  const { source } = nvidia('lost', { silentAfterMs: 300 });
  const readings = await eventually('one degraded card', () => {
    const found = source.readings(Date.now());
    return found.filter(({ state }) => state === 'degraded').length === 1 && found;
  });
  expect(readings).toMatchObject([
    { state: 'ready' },
    {
      state: 'degraded',
      detail: [expect.stringContaining('fallen off the bus'), expect.stringContaining('GPU is lost')],
    },
  ]);
});

test('a silent tool is ended by the watchdog, and its cards are degraded meanwhile', async () => {
  const { source, log } = nvidia('silent', { silentAfterMs: 3_000, watchEveryMs: 20 });
  await eventually('both cards degraded', () => {
    const found = source.readings(Date.now());
    return found.length === 2 && found.every(({ state }) => state === 'degraded');
  });
  await eventually('the watchdog', () => log.lines.length > 0);
  expect(log.lines[0]).toBe('warn nvidia-smi is silent; starting another');
});

test('a host without the tool has no readings and no complaint', async () => {
  const { source, log } = nvidia('steady', { command: join(await temporaryFolder(), 'nvidia-smi') });
  await new Promise(setImmediate);
  expect(source.readings(Date.now())).toEqual([]);
  expect(log.text()).toBe('');
});

async function sys(files: Record<string, string>): Promise<string> {
  const root = await temporaryFolder();
  for (const [path, text] of Object.entries(files)) {
    await mkdir(dirname(join(root, path)), { recursive: true });
    await writeFile(join(root, path), `${text}\n`);
  }
  return root;
}

test('an AMD card is read from sysfs; what its driver lacks is left out', async () => {
  const root = await sys({
    'class/drm/card0/device/vendor': '0x1002',
    'class/drm/card0/device/mem_info_vram_total': '25753026560',
    'class/drm/card0/device/mem_info_vram_used': '1073741824',
    'class/drm/card0/device/gpu_busy_percent': '42',
    'class/drm/card0/device/product_name': 'Radeon PRO W7900',
    'class/drm/card0/device/hwmon/hwmon3/temp1_input': '51000',
    'class/drm/card0/device/hwmon/hwmon3/power1_average': '93000000',
    'class/drm/card1/device/vendor': '0x8086',
    'class/drm/card2/device/vendor': '0x1002',
    'class/drm/card2/device/mem_info_vram_total': '17163091968',
    'class/drm/card2/device/gpu_busy_percent': 'not a number',
  });
  const source = new SysfsSource({ log: new RecordedLog(), root });
  await source.refresh();
  expect(source.readings()).toEqual([
    {
      id: 'card0',
      kind: 'gpu',
      accelerator: 'gpu_rocm',
      label: 'GPU (ROCm)',
      name: 'Radeon PRO W7900',
      state: 'ready',
      memory_total_bytes: 25_753_026_560,
      memory_used_bytes: 1_073_741_824,
      utilization_ratio: 0.42,
      temperature_celsius: 51,
      power_watts: 93,
    },
    expect.objectContaining({ id: 'card2', name: 'AMD GPU', memory_total_bytes: 17_163_091_968 }),
  ]);
  expect(source.readings()[1]).not.toHaveProperty('utilization_ratio');
});

test('NPUs are told with their driver; one without a driver is degraded', async () => {
  const root = await sys({
    'class/accel/accel0/device/uevent': 'DRIVER=intel_vpu\nPCI_ID=8086:7D1D',
    'class/accel/accel1/device/uevent': 'PCI_ID=1022:1502',
  });
  const source = new SysfsSource({ log: new RecordedLog(), root });
  await source.refresh();
  expect(source.readings()).toMatchObject([
    { id: 'accel0', name: 'Intel NPU', state: 'ready', driver: 'intel_vpu', label: 'NPU' },
    { id: 'accel1', state: 'degraded', detail: ['No driver is bound to this device'] },
  ]);
});

test('a host without such files has no such readings', async () => {
  const source = new SysfsSource({ log: new RecordedLog(), root: await temporaryFolder() });
  await source.refresh();
  expect(source.readings()).toEqual([]);
});
