// Models outlive the reporter: whatever ends it, the engine serves on and the next reporter takes it over.

import { expect, test } from 'vitest';
import { Fleet } from '../support/fleet.ts';

async function keptFleet(): Promise<{ fleet: Fleet; pid: number }> {
  const fleet = await Fleet.ready({ keepEngine: true });
  const pid = (await fleet.status())?.pid ?? 0;
  return { fleet, pid };
}

async function answers(fleet: Fleet): Promise<boolean> {
  return (await fetch(`${fleet.engineUrl}/health`)).status === 200;
}

test('a reporter that is stopped, or killed, leaves the engine serving, and the next one adopts it', async () => {
  const { fleet, pid } = await keptFleet();
  const before = await fleet.item();

  expect((await fleet.reporter?.stop())?.exitCode).toBe(0);
  expect(await answers(fleet)).toBe(true);
  await fleet.startReporter();
  const stopped = await fleet.itemWhere(
    (item) => item.boot_id !== before?.boot_id && item.status.code === 'ok',
  );
  expect(stopped.runtimes?.[0]?.status).toMatchObject({ state: 'ready', pid, restarts_total: 0 });

  fleet.reporter?.kill('SIGKILL');
  await fleet.reporter?.ended;
  expect(await answers(fleet)).toBe(true);
  await fleet.startReporter();
  const killed = await fleet.itemWhere(
    (item) => item.boot_id !== stopped.boot_id && item.status.code === 'ok',
  );
  expect(killed.runtimes?.[0]?.status).toMatchObject({ state: 'ready', pid, restarts_total: 0 });
});

test('an adopted engine that dies is restarted, and the budget spent before the adoption still counts', async () => {
  const { fleet, pid } = await keptFleet();
  process.kill(pid, 'SIGKILL');
  const restarted = await fleet.statusWhere(
    (status) => status.state === 'ready' && status.restarts_total === 1,
  );
  fleet.reporter?.kill('SIGKILL');
  await fleet.reporter?.ended;

  await fleet.startReporter();
  const adopted = await fleet.statusWhere(
    (status) => status.state === 'ready' && status.pid === restarted.pid,
  );
  expect(adopted).toMatchObject({ restarts_total: 1, restart_budget: { used: 1, remaining: 2 } });

  process.kill(restarted.pid ?? 0, 'SIGKILL');
  const again = await fleet.statusWhere((status) => status.state === 'ready' && status.restarts_total === 2);
  expect(again.restart_budget).toMatchObject({ used: 2, remaining: 1 });
  expect(again.pid).not.toBe(restarted.pid);
});
