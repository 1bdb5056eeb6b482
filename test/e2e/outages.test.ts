// What must not be lost and must not lie: a reporter that is silent, a hub that is killed, also during a restore.

import { expect, test } from 'vitest';
import * as v from 'valibot';
import { CommandAcceptedSchema } from '../../contract/command.ts';
import { SupervisorSchema } from '../../contract/read-models.ts';
import { Fleet, NODE } from '../support/fleet.ts';

test('a reporter that stops is offline at the TTL, with its last words kept', async () => {
  const fleet = await Fleet.ready({ hubEnv: { ARW_RUNTIME_MATRIX_TTL_SEC: '10' } });
  const last = await fleet.item();

  // Stopped as a frozen host is: no farewell reaches the hub.
  fleet.reporter?.kill('SIGSTOP');
  const heardAtMs = Date.parse((await fleet.item())?.received_at ?? '');
  const item = await fleet.itemWhere((found) => found.stale, 15_000);
  fleet.reporter?.kill('SIGCONT');

  expect(Date.now() - heardAtMs).toBeGreaterThanOrEqual(10_000);
  expect(item.status).toMatchObject({ code: 'offline', severity: 'error' });
  expect(item.status.label).toMatch(/^Offline - No heartbeat for 1\d s$/);
  expect(item.status.aria_hint).toContain(item.status.label);
  expect(item.last_status).toEqual(last?.status);
  expect(item.boot_id).toBe(last?.boot_id);

  const fresh = await fleet.itemWhere((found) => !found.stale, 15_000);
  expect(fresh.status.code).toBe('ok');
});

test('a hub killed during a restore: the restore happens once, and its job is told to its end', async () => {
  const fleet = await Fleet.ready();
  const before = await fleet.status();

  const accepted = await fleet.restore();
  expect(accepted.status).toBe(202);
  const { job_id: jobId } = v.parse(CommandAcceptedSchema, await accepted.json());
  fleet.hub?.kill('SIGKILL');
  await fleet.hub?.ended;
  await fleet.startHub();

  const job = await fleet.jobWhere(jobId, (found) => found.state === 'completed');
  expect(job.result).toMatchObject({ state: 'ready' });
  const after = await fleet.statusWhere((status) => status.state === 'ready');
  expect(after.restarts_total).toBe(1);
  expect(after.restart_budget).toMatchObject({ used: 1, remaining: 2 });
  expect(after.pid).not.toBe(before?.pid);
});

test('a hub killed with kill -9 comes back with registry and snapshots, and the reporter finds it by itself', async () => {
  const fleet = await Fleet.ready();
  const before = await fleet.item();

  fleet.hub?.kill('SIGKILL');
  await fleet.hub?.ended;
  fleet.reporter?.kill('SIGSTOP');
  await fleet.startHub();

  // Before the reporter can have said anything: what was last known is there.
  const known = await fleet.item();
  expect(known?.boot_id).toBe(before?.boot_id);
  expect(known?.uplink).toBe('closed');
  fleet.reporter?.kill('SIGCONT');

  const again = await fleet.itemWhere((found) => found.seq > (before?.seq ?? 0) && found.uplink === 'open');
  expect(again.boot_id).toBe(before?.boot_id);
  expect((await fleet.status())?.restarts_total).toBe(0);
});

test('a reporter that is told to end takes its engine with it, and its node says so', async () => {
  const fleet = await Fleet.ready();
  const pid = (await fleet.status())?.pid ?? 0;

  const ended = await fleet.reporter?.stop();

  expect(ended?.exitCode).toBe(0);
  expect(() => process.kill(pid, 0)).toThrow('ESRCH');
  // While it stops it is offline too.
  const stopped = await fleet.statusWhere((status) => status.summary === 'Stopped');
  expect(stopped.state).toBe('offline');
  const answer = await fleet.ask('GET', '/state/runtime_supervisor');
  const { runtimes } = v.parse(SupervisorSchema, await answer.json());
  expect(runtimes.map(({ node, status }) => [node, status.state])).toEqual([[NODE, 'offline']]);
});
