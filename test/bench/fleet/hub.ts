// Owns the hub that benches measure: the built one under plain workerd, started as users start it, in processes of its
// own. What is built is what is checked out: it is built anew at each start.

import { execFile } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import * as v from 'valibot';
import { Program } from '../../../scripts/fleet/program.ts';

const ROOT = fileURLToPath(new URL('../../../', import.meta.url));
const RecordSchema = v.pipe(v.string(), v.parseJson(), v.object({ pid: v.number() }));

export type BenchHub = {
  url: string;
  /** Of an admin. */
  token: string;
  /** workerd's, whose CPU time and memory are the hub's. */
  pid: number;
  stop: () => Promise<void>;
};

/**
 * @param folder an empty one, for the hub's data
 * @param settings the hub's, by their names in wrangler.toml; what is deployed is the default
 */
export async function startHub(
  folder: string,
  settings: Readonly<Record<string, string>> = {},
): Promise<BenchHub> {
  await promisify(execFile)(process.execPath, ['scripts/build.ts'], { cwd: ROOT });
  const data = join(folder, 'hub');
  const token = randomUUID();
  const program = new Program({
    name: 'the hub',
    args: [join(ROOT, 'dist/arw-hub.js'), '--port', '0', '--data', data],
    env: { ...process.env, ARW_HEARTBEAT_WRITE_SEC: '60', ...settings, ARW_ADMIN_TOKEN: token },
    readyLine: /^hub ready (http:\S+)$/,
  });
  try {
    const [, url = ''] = await program.ready;
    const { pid } = v.parse(RecordSchema, await readFile(join(data, 'workerd.json'), 'utf8'));
    const stop = async (): Promise<void> => void (await program.stop());
    return { url, token, pid, stop };
  } catch (error) {
    await program.stop();
    throw error;
  }
}
