// A full disk under the reporter: it supervises on, refuses what it could not remember, says so, and recovers.
// For what the reporter writes, the kernel's limit on file sizes stands in for the disk (any write fails, and it can be
// lifted again, without being root); for what the engine writes, /dev/full does.

import { mkdir, readFile, rm, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import * as v from 'valibot';
import { CommandAcceptedSchema, type Job } from '../../contract/command.ts';
import { Fleet, RUNTIME } from '../support/fleet.ts';
import { eventually } from '../support/eventually.ts';
import { run } from '../support/shell.ts';

/** No file of this process can grow by a byte, or all can again. */
async function limitWrites(pid: number, limit: '0' | 'unlimited'): Promise<void> {
  const done = await run('prlimit', ['--pid', String(pid), `--fsize=${limit}:unlimited`]);
  expect(done).toMatchObject({ exitCode: 0 });
}

async function restored(fleet: Fleet): Promise<Job> {
  const accepted = await fleet.restore();
  expect(accepted.status).toBe(202);
  const { job_id: jobId } = v.parse(CommandAcceptedSchema, await accepted.json());
  return fleet.jobWhere(jobId, ({ state }) => state === 'completed' || state === 'failed');
}

test('no room for the journal: a command is refused and nothing happens; with room again it is carried out', async () => {
  const fleet = await Fleet.ready();
  const before = await fleet.status();
  const reporterPid = fleet.reporter?.pid ?? 0;

  await limitWrites(reporterPid, '0');
  const refused = await restored(fleet);
  expect(refused).toMatchObject({ state: 'failed', error: { reason: 'journal-unwritable' } });
  expect(refused.error?.message).toMatch(/^The command journal cannot be written \(.+\); nothing was done$/);
  await eventually('it is told', () => fleet.log.includes('The command journal cannot be written'));
  expect(await fleet.status()).toMatchObject({ state: 'ready', pid: before?.pid, restarts_total: 0 });

  await limitWrites(reporterPid, 'unlimited');
  expect(await restored(fleet)).toMatchObject({ state: 'completed', result: { state: 'ready' } });
  const after = await fleet.statusWhere((status) => status.restarts_total === 1);
  expect(after).toMatchObject({ restart_budget: { used: 1 } });
});

test('no room for what outlives the reporter: a crash is still mended, and it is remembered once there is room', async () => {
  // The engine inherits the limit at its launch; with its log on the disk it would be ended for its first line.
  const fleet = await Fleet.prepare({ keepEngine: false, wrapper: true });
  await fleet.writeWrapper('exec prlimit --fsize=unlimited "$LLAMA_SERVER" "$@"');
  await fleet.startHub();
  await fleet.startReporter();
  const { pid = 0 } = await fleet.statusWhere((status) => status.state === 'ready');
  const memory = join(fleet.stateDir, 'runtimes', `${RUNTIME}.json`);
  const reporterPid = fleet.reporter?.pid ?? 0;

  await limitWrites(reporterPid, '0');
  process.kill(pid, 'SIGKILL');
  const again = await fleet.statusWhere((status) => status.state === 'ready' && status.pid !== pid);
  expect(again.restarts_total).toBe(1);
  await eventually('it is told', () => fleet.log.includes(`${memory} cannot be written`));

  await limitWrites(reporterPid, 'unlimited');
  // Any news of the runtime is the moment: here the next look at it.
  await eventually('the restart and its process are remembered', async () => {
    const kept = await readFile(memory, 'utf8');
    return kept.includes('"restarts_total":1') && kept.includes(`"pid":${again.pid},`);
  });
  await eventually('it is told', () => fleet.log.includes(`${memory} is written again`));
  // Told once each, however many events found the disk full.
  expect(fleet.log.split(`${memory} cannot be written`)).toHaveLength(2);
});

test('no room for the log of the engine: it is started, serves, and is mended when it crashes', async () => {
  const fleet = await Fleet.prepare();
  const logs = join(fleet.stateDir, 'logs');
  await mkdir(logs, { recursive: true });
  await symlink('/dev/full', join(logs, `${RUNTIME}.log`));
  await fleet.startHub();
  await fleet.startReporter();
  const { pid = 0 } = await fleet.statusWhere((status) => status.state === 'ready');

  process.kill(pid, 'SIGKILL');
  const again = await fleet.statusWhere((status) => status.state === 'ready' && status.pid !== pid);
  expect(again).toMatchObject({ restarts_total: 1, last_exit: { signal: 'SIGKILL' } });

  // Room again: the next launch writes its log as ever.
  await rm(join(logs, `${RUNTIME}.log`));
  process.kill(again.pid ?? 0, 'SIGKILL');
  await fleet.statusWhere((status) => status.state === 'ready' && status.restarts_total === 2);
  await eventually('its log', async () => {
    return (await readFile(join(logs, `${RUNTIME}.log`), 'utf8')).includes('listening on');
  });
});
