// A real llama-server that does not hear SIGTERM, since it is frozen: a stop ends all the same.

import { expect, test } from 'vitest';
import * as v from 'valibot';
import { CommandAcceptedSchema } from '../../contract/command.ts';
import { enginesOn } from '../support/engine-processes.ts';
import { Fleet } from '../support/fleet.ts';

test('an operator stops it: SIGKILL after the grace, told as it goes, and nothing is spent', async () => {
  const fleet = await Fleet.ready({ process: { stop_timeout_seconds: 2 } });
  const { pid = 0 } = (await fleet.status()) ?? {};
  process.kill(pid, 'SIGSTOP');

  const accepted = await fleet.shutdown();
  const stopping = await fleet.statusWhere((status) => status.summary === 'Stopping');
  expect(stopping).toMatchObject({
    state: 'offline',
    severity: 'info',
    detail: [expect.stringMatching(new RegExp(`^SIGTERM sent; waiting for process ${pid} since \\d s$`))],
  });
  const { job_id: jobId } = v.parse(CommandAcceptedSchema, await accepted.json());
  const job = await fleet.jobWhere(jobId, (found) => found.state === 'completed');
  expect(job.result).toMatchObject({ state: 'offline' });
  const stopped = await fleet.statusWhere((status) => status.summary === 'Stopped');
  expect(stopped).toMatchObject({
    state: 'offline',
    last_exit: { code: null, signal: 'SIGKILL' },
    restart_budget: { used: 0 },
  });
  expect(await enginesOn(fleet.enginePort)).toEqual([]);
});

test('the reporter ends with --stop-children: it takes the frozen engine with it', async () => {
  const fleet = await Fleet.ready({ process: { stop_timeout_seconds: 2 } });
  const { pid = 0 } = (await fleet.status()) ?? {};
  process.kill(pid, 'SIGSTOP');

  expect((await fleet.reporter?.stop())?.exitCode).toBe(0);
  expect(await enginesOn(fleet.enginePort)).toEqual([]);
});
