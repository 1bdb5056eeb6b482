// arw-cli job: what was asked of runtimes, and how it is taken back.

import * as v from 'valibot';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { CommandAcceptedSchema, JobSchema, JobsSchema } from '../../contract/command.ts';
import { CLI, cliEnvironment } from '../support/cli-process.ts';
import { ADMIN_TOKEN, Hub } from '../support/hub.ts';
import { run, type Finished } from '../support/shell.ts';
import { snapshot } from '../support/snapshot.ts';

const NODE = 'gpu-01';

let hub: Hub;
let token: string;

beforeAll(async () => {
  hub = await Hub.start();
  ({ token } = await hub.enroll(NODE));
  await hub.post(NODE, token, snapshot({ node: NODE }));
});
afterAll(async () => hub.stop());

async function cli(args: string[]): Promise<Finished> {
  const env = cliEnvironment({ ARW_HUB_URL: hub.url.href, ARW_ADMIN_TOKEN: ADMIN_TOKEN });
  return run(process.execPath, [CLI, 'job', ...args], { env });
}

async function act(kind: string): Promise<string> {
  const answer = await hub.ask(`/orchestrator/runtimes/${NODE}%2Fllama.70b/${kind}`, { method: 'POST' });
  return v.parse(CommandAcceptedSchema, await answer.json()).job_id;
}

test('a job is cancelled, or its node is asked, or it is too late; all of them are listed', async () => {
  expect(await cli(['list'])).toEqual({ exitCode: 0, stdout: 'No jobs.\n', stderr: '' });
  const sent = await act('start');
  await hub.post(NODE, token, snapshot({ node: NODE, seq: 2 }));
  const queued = await act('shutdown');
  expect(await cli(['cancel', queued])).toEqual({
    exitCode: 0,
    stdout: `job ${queued} cancelled: nothing was done\n`,
    stderr: '',
  });
  const again = await cli(['cancel', queued]);
  expect(again).toMatchObject({ exitCode: 1, stdout: '' });
  expect(again.stderr).toMatch(/^arw-cli: The job cannot be cancelled any more: It ended as "cancelled"/);
  expect((await cli(['cancel', sent])).stdout).toMatch(/^node gpu-01 is asked not to begin job gpu-01:/);

  const { stdout } = await cli(['list']);
  expect(stdout).toMatch(/^Jobs: the newest 2\n/);
  expect(stdout).toMatch(/ {2}delivered, to be cancelled {2}start gpu-01\/llama\.70b/);
  expect((await cli(['list', '--limit', '1'])).stdout).toMatch(
    /^Jobs: the newest 1, and there are older ones/,
  );
  const filtered = await cli(['list', '--state', 'cancelled', '--node', NODE, '--json']);
  expect(v.parse(JobsSchema, JSON.parse(filtered.stdout)).jobs).toMatchObject([{ job_id: queued }]);
  const asJson = await cli(['cancel', sent, '--json']);
  expect(v.parse(JobSchema, JSON.parse(asJson.stdout)).job_id).toBe(sent);
});

test.each<[string[], number, RegExp]>([
  [['cancel', 'gpu-01:nothing'], 1, /The job is not known/],
  [['cancel'], 2, /missing required argument 'job'/],
  [['list', '--state', 'done'], 2, /Allowed choices are queued/],
  [['list', '--limit', '0'], 2, /whole number from 1 to 1000/],
])('%j is one sentence with its exit code', async (args, exitCode, words) => {
  const finished = await cli(args);
  expect(finished).toMatchObject({ exitCode, stdout: '' });
  expect(finished.stderr.trimEnd()).toMatch(words);
});
