// Owns the look at GPUs: what is there, under which driver, and whether the manifest asks for one that is not.

import { execFile } from 'node:child_process';
import { access, readdir, readFile } from 'node:fs/promises';
import { promisify } from 'node:util';
import type { Accelerator } from '../../contract/accelerator.ts';
import { codeOf, messageOf } from '../errors.ts';
import type { RuntimeEntry } from '../manifest-schema.ts';
import { fail, ok, warn, type Finding } from './finding.ts';

const CHECK = 'GPU';
const WITHIN_MS = 8_000;
const VENDOR = { nvidia: '0x10de', amd: '0x1002' } as const;

/** Made by a helper with root's rights at the first use of CUDA, which a hardened service must not start. */
const CUDA_NODE = '/dev/nvidia-uvm';
const MAKE_CUDA_NODE =
  'CUDA will not start in a service: run "sudo nvidia-modprobe -u -c=0" after each boot, or enable nvidia-persistenced';

type Seen = { found: Finding[]; lanes: Set<Accelerator> };

export async function checkGpus(runtimes: readonly RuntimeEntry[]): Promise<Finding[]> {
  const vendors = await vendorsFromSysfs();
  const seen = await nvidia(vendors.has(VENDOR.nvidia));
  if (vendors.has(VENDOR.amd)) {
    seen.lanes.add('gpu_rocm');
    seen.found.push(ok(CHECK, 'AMD card found; its load is read from sysfs'));
  }
  if (seen.found.length === 0) seen.found.push(ok(CHECK, 'no GPU found: CPU only'));
  return [...seen.found, ...missing(runtimes, seen.lanes)];
}

function missing(runtimes: readonly RuntimeEntry[], lanes: ReadonlySet<Accelerator>): Finding[] {
  return runtimes.flatMap(({ id, accelerator }) => {
    if ((accelerator !== 'gpu_cuda' && accelerator !== 'gpu_rocm') || lanes.has(accelerator)) return [];
    const [vendor, driver] =
      accelerator === 'gpu_cuda' ? ['NVIDIA', 'NVIDIA driver'] : ['AMD', 'amdgpu driver'];
    return [
      fail(
        id,
        `asks for ${accelerator}, but no ${vendor} GPU was found`,
        `install the ${driver}, or name the accelerator that it runs on in the manifest`,
      ),
    ];
  });
}

async function nvidia(cardIsThere: boolean): Promise<Seen> {
  const args = ['--query-gpu=name,driver_version', '--format=csv,noheader'];
  try {
    const { stdout } = await promisify(execFile)('nvidia-smi', args, {
      timeout: WITHIN_MS,
      killSignal: 'SIGKILL',
    });
    const cards = stdout.split('\n').filter((line) => line.trim() !== '');
    const found = cards.map((card) => ok(CHECK, card.replace(/,\s*/, ', driver ')));
    if (cards.length > 0 && !(await exists(CUDA_NODE)))
      found.push(warn(CHECK, `${CUDA_NODE} is missing`, MAKE_CUDA_NODE));
    return { found, lanes: new Set(cards.length > 0 ? ['gpu_cuda'] : []) };
  } catch (error) {
    if (codeOf(error) === 'ENOENT') {
      const remedy = 'install the NVIDIA driver with its tools (on Debian nvidia-driver and nvidia-smi)';
      return {
        found: cardIsThere ? [warn(CHECK, 'an NVIDIA card, but no nvidia-smi', remedy)] : [],
        lanes: new Set(),
      };
    }
    const reason = wordsOf(error);
    const remedy = 'run nvidia-smi yourself; after a driver update the host may want a reboot';
    return { found: [warn(CHECK, `nvidia-smi fails: ${reason}`, remedy)], lanes: new Set() };
  }
}

/** The tool says what is wrong on its output, where a failure carries it. */
function wordsOf(error: unknown): string {
  const said = error instanceof Error && 'stdout' in error ? String(error.stdout).trim() : '';
  return (said === '' ? messageOf(error) : said).split('\n')[0] ?? '';
}

async function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}

/** The PCI vendors of the display cards; none where the system has no sysfs. */
async function vendorsFromSysfs(): Promise<Set<string>> {
  const cards = await readdir('/sys/class/drm').catch(() => []);
  const vendors = cards
    .filter((name) => /^card\d+$/.test(name))
    .map((name) => readFile(`/sys/class/drm/${name}/device/vendor`, 'utf8').catch(() => ''));
  return new Set((await Promise.all(vendors)).map((text) => text.trim()));
}
