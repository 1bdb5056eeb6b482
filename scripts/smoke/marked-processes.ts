// Owns finding what a run has started, however far down and in whichever group: by a variable that children inherit.

import { readdir, readFile } from 'node:fs/promises';

/** Not `ARW_*`: a reporter keeps those from the programs that it starts. */
export const RUN_VARIABLE = 'SMOKE_RUN';

/** Running processes of that run; empty where the system has no /proc. A zombie has no environment and does not count. */
export async function markedProcesses(run: string): Promise<number[]> {
  const wanted = `${RUN_VARIABLE}=${run}`;
  const pids = (await readdir('/proc').catch(() => [])).filter((name) => /^\d+$/.test(name)).map(Number);
  const marked = await Promise.all(
    pids.map(async (pid) => {
      // Another user's process, or one that has just ended: not ours to end.
      const environment = await readFile(`/proc/${pid}/environ`, 'utf8').catch(() => '');
      return environment.split('\0').includes(wanted);
    }),
  );
  return pids.filter((_, at) => marked[at] === true);
}
