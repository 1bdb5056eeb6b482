// Bad arguments on a real llama-server: every launch fails, and the budget is what ends it.

import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import * as v from 'valibot';
import { CommandAcceptedSchema } from '../../contract/command.ts';
import { Fleet, RUNTIME } from '../support/fleet.ts';

const MAX_RESTARTS = 2;
const ARGUMENT = '--no-such-argument';

test('a crash loop stops at the budget and names the argument; mended, a forced restore brings it back', async () => {
  const fleet = await Fleet.prepare({ restart: { max: MAX_RESTARTS }, wrapper: true });
  const more = join(fleet.directory, 'more-arguments');
  await writeFile(more, ARGUMENT);
  await fleet.writeWrapper(`exec "$LLAMA_SERVER" "$@" $(cat '${more}')`);
  await fleet.startHub();
  await fleet.startReporter();

  const failed = await fleet.statusWhere(
    (status) => status.state === 'error' && status.restart_budget?.remaining === 0,
  );
  expect(failed).toMatchObject({
    severity: 'error',
    summary: expect.stringMatching(/^Process failed \(exit code 1\): its arguments are wrong \(/),
    detail: [expect.stringMatching(/^Restart budget exhausted; resets at .*Z$/)],
    restarts_total: MAX_RESTARTS,
    restart_budget: { used: MAX_RESTARTS },
  });
  expect(failed.summary).toContain(ARGUMENT);
  const launches = async (): Promise<number> => {
    const log = await readFile(join(fleet.stateDir, 'logs', `${RUNTIME}.log`), 'utf8');
    return log.match(new RegExp(`error.*${ARGUMENT}`, 'g'))?.length ?? 0;
  };
  expect(await launches()).toBe(1 + MAX_RESTARTS);

  // Without force there is nothing to spend, and nothing is launched.
  expect((await fleet.restore()).status).toBe(429);
  expect(await launches()).toBe(1 + MAX_RESTARTS);

  await writeFile(more, '');
  const accepted = await fleet.restore({ force: true });
  expect(accepted.status).toBe(202);
  const { job_id: jobId } = v.parse(CommandAcceptedSchema, await accepted.json());
  const job = await fleet.jobWhere(jobId, (found) => found.state === 'completed');
  expect(job.result).toMatchObject({ state: 'ready' });
  const mended = await fleet.statusWhere((status) => status.state === 'ready');
  expect(mended.restart_budget).toMatchObject({ used: MAX_RESTARTS + 1, remaining: 0 });
});
