// kill -9 of the reporter in the worst moments: while it restores, while a model loads, while it stops a child. The next
// one finds out what is there; at no moment are there two engines.

import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import * as v from 'valibot';
import { CommandAcceptedSchema } from '../../contract/command.ts';
import { countEngines, enginesOn } from '../support/engine-processes.ts';
import { eventually } from '../support/eventually.ts';
import { Fleet } from '../support/fleet.ts';

async function killReporter(fleet: Fleet): Promise<void> {
  fleet.reporter?.kill('SIGKILL');
  await fleet.reporter?.ended;
}

/** A ready fleet whose frozen engine does not hear that it is to end. */
async function frozenFleet(): Promise<{ fleet: Fleet; pid: number }> {
  const fleet = await Fleet.ready({ keepEngine: true, process: { stop_timeout_seconds: 30 } });
  const { pid = 0 } = (await fleet.status()) ?? {};
  process.kill(pid, 'SIGSTOP');
  return { fleet, pid };
}

async function jobOf(answer: Response): Promise<string> {
  expect(answer.status).toBe(202);
  return v.parse(CommandAcceptedSchema, await answer.json()).job_id;
}

test('mid-restore: the command is told as interrupted and not repeated, and the runtime ends up ready', async () => {
  const { fleet, pid } = await frozenFleet();
  const mostAtOnce = countEngines(fleet.enginePort);
  const jobId = await jobOf(await fleet.restore());
  await fleet.statusWhere((status) => status.summary === 'Restarting');

  await killReporter(fleet);
  // It hears the SIGTERM now, and ends; nobody is there to restart it.
  process.kill(pid, 'SIGCONT');
  await eventually('the engine ends', async () => (await enginesOn(fleet.enginePort)).length === 0);
  await fleet.startReporter();

  const job = await fleet.jobWhere(jobId, (found) => found.state === 'failed');
  expect(job.error).toMatchObject({ reason: 'interrupted' });
  const ready = await fleet.statusWhere((status) => status.state === 'ready' && status.pid !== pid);
  // The restart was not carried out, so it was not spent either: the next reporter started a runtime that was down.
  expect(ready).toMatchObject({ restarts_total: 0, restart_budget: { used: 0 } });
  expect(await enginesOn(fleet.enginePort)).toEqual([ready.pid]);
  expect(await mostAtOnce()).toBe(1);
});

test('mid-restore, once the new engine is there: it is adopted, with the restart that it cost', async () => {
  const fleet = await Fleet.prepare({ keepEngine: true, wrapper: true });
  const go = join(fleet.directory, 'go');
  await writeFile(go, '');
  await fleet.writeWrapper(`while [ ! -e '${go}' ]; do sleep 0.05; done; exec "$LLAMA_SERVER" "$@"`);
  await fleet.startHub();
  await fleet.startReporter();
  const { pid } = await fleet.statusWhere((status) => status.state === 'ready');
  const mostAtOnce = countEngines(fleet.enginePort);

  await fleet.writeWrapper(`while [ ! -e '${go}2' ]; do sleep 0.05; done; exec "$LLAMA_SERVER" "$@"`);
  const jobId = await jobOf(await fleet.restore());
  const loading = await fleet.statusWhere((status) => status.pid !== undefined && status.pid !== pid);
  await killReporter(fleet);
  await fleet.startReporter();
  await writeFile(`${go}2`, '');

  const job = await fleet.jobWhere(jobId, (found) => found.state === 'failed');
  expect(job.error).toMatchObject({ reason: 'interrupted' });
  const ready = await fleet.statusWhere((status) => status.state === 'ready');
  expect(ready).toMatchObject({ pid: loading.pid, restarts_total: 1, restart_budget: { used: 1 } });
  expect(await enginesOn(fleet.enginePort)).toEqual([loading.pid]);
  expect(await mostAtOnce()).toBe(1);
});

test('mid-load: the next reporter adopts the engine while it loads, and starts no other', async () => {
  const fleet = await Fleet.prepare({ keepEngine: true, wrapper: true });
  const go = join(fleet.directory, 'go');
  await fleet.writeWrapper(`while [ ! -e '${go}' ]; do sleep 0.05; done; exec "$LLAMA_SERVER" "$@"`);
  await fleet.startHub();
  await fleet.startReporter();
  const { pid = 0 } = await fleet.statusWhere((status) => status.pid !== undefined);
  const mostAtOnce = countEngines(fleet.enginePort);

  await killReporter(fleet);
  await fleet.startReporter();
  await eventually('it is told', () => fleet.log.includes(`adopted process ${pid}`));
  expect(await fleet.status()).toMatchObject({ state: 'starting', pid });
  await writeFile(go, '');

  const ready = await fleet.statusWhere((status) => status.state === 'ready');
  expect(ready).toMatchObject({ pid, restarts_total: 0, restart_budget: { used: 0 } });
  expect(await enginesOn(fleet.enginePort)).toEqual([pid]);
  expect(await mostAtOnce()).toBe(1);
});

test('while it stops a child: the next one brings the shutdown to its end, and nothing is started beside it', async () => {
  const { fleet, pid } = await frozenFleet();
  const mostAtOnce = countEngines(fleet.enginePort);
  const jobId = await jobOf(await fleet.shutdown());
  await fleet.statusWhere((status) => status.summary === 'Stopping');

  await killReporter(fleet);
  await fleet.startReporter();
  expect(await fleet.status()).toMatchObject({ state: 'offline', summary: 'Stopping', pid });
  const job = await fleet.jobWhere(jobId, (found) => found.state === 'failed');
  expect(job.error).toMatchObject({ reason: 'interrupted' });

  // Now it hears the SIGTERM.
  process.kill(pid, 'SIGCONT');
  const stopped = await fleet.statusWhere((status) => status.summary === 'Stopped');
  expect(stopped).toMatchObject({ restarts_total: 0, restart_budget: { used: 0 } });
  expect(await enginesOn(fleet.enginePort)).toEqual([]);
  expect(await mostAtOnce()).toBe(1);
});
