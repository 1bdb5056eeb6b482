// arw-cli as a process against a real hub: what it prints, where, and with which exit code.

import { stripVTControlCharacters } from 'node:util';
import * as v from 'valibot';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { JobSchema } from '../../contract/command.ts';
import { JoinTokenResponseSchema } from '../../contract/node-api.ts';
import { MatrixSchema, SupervisorSchema } from '../../contract/read-models.ts';
import { CLI, cliEnvironment } from '../support/cli-process.ts';
import { freePort } from '../support/engine-process.ts';
import { ADMIN_TOKEN, Hub } from '../support/hub.ts';
import { run, type Finished } from '../support/shell.ts';
import { emptyBudget, runtimeRecord, snapshot } from '../support/snapshot.ts';
import type { UplinkClient } from '../support/uplink-client.ts';

const RESET_AT = new Date(Date.now() + 300_000).toISOString();
const RESET_SAID = RESET_AT.replace(/\.\d+Z$/, 'Z');

let hub: Hub;
let uplink: UplinkClient;

beforeAll(async () => {
  hub = await Hub.start();
  const first = await hub.enroll('gpu-01');
  const stub = runtimeRecord({ id: 'shared' });
  uplink = await hub.uplink('gpu-01', first.token);
  await uplink.report(
    snapshot({
      node: 'gpu-01',
      runtimes: [runtimeRecord(), { ...stub, descriptor: { ...stub.descriptor, tags: { engine: 'stub' } } }],
    }),
  );
  const second = await hub.enroll('gpu-02');
  const failed = runtimeRecord({ id: 'down', state: 'error', budget: emptyBudget(RESET_AT) });
  await hub.post(
    'gpu-02',
    second.token,
    snapshot({ node: 'gpu-02', runtimes: [failed, runtimeRecord({ id: 'shared' })] }),
  );
});
afterAll(async () => {
  await uplink.close();
  await hub.stop();
});

async function cli(args: string[], env: Record<string, string> = {}): Promise<Finished> {
  const settings = { ARW_HUB_URL: hub.url.href, ARW_ADMIN_TOKEN: ADMIN_TOKEN, ...env };
  return run(process.execPath, [CLI, ...args], { env: cliEnvironment(settings) });
}

test('runtime status says counts, the tightest budget, its reset, every runtime, and the matrix with its TTL', async () => {
  const { exitCode, stdout, stderr } = await cli(['runtime', 'status']);

  expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
  expect(stdout).toBe(stripVTControlCharacters(stdout));
  const lines = stdout.split('\n');
  expect(lines[0]).toMatch(/^Runtimes: 4 \(3 ready, 1 error\), as of \S+Z$/);
  expect(lines[1]).toBe('Restarts left: at least 0 of 3 (gpu-02/down)');
  expect(lines[2]).toBe(`Next reset: ${RESET_SAID}`);
  expect(lines).toContain('  gpu-01/llama.70b  Ready (Info)   3 of 3 restarts left, llama-3.3-70b-q4');
  expect(lines).toContain(
    '  gpu-01/shared     Ready (Info)   engine: stub, 3 of 3 restarts left, llama-3.3-70b-q4',
  );
  expect(lines).toContain('  gpu-02/down       Error (Error)  0 of 3 restarts left, llama-3.3-70b-q4');
  expect(lines).toContain('Matrix: 2 nodes, ttl_seconds 60 (none past it)');
  expect(stdout).toMatch(/^ {2}gpu-02 {2}Error - Runtime down: Error, heard \d+ s ago$/m);
});

test('runtime status --json prints both read models as the hub serves them', async () => {
  const { exitCode, stdout } = await cli(['runtime', 'status', '--json']);

  expect(exitCode).toBe(0);
  const printed = v.parse(
    v.strictObject({ supervisor: SupervisorSchema, matrix: MatrixSchema }),
    JSON.parse(stdout),
  );
  expect(Object.keys(printed.matrix.items)).toEqual(['gpu-01', 'gpu-02']);
  expect(printed.supervisor.runtimes).toHaveLength(4);
});

test('restore echoes what is left of the budget and the job', async () => {
  const { exitCode, stdout } = await cli(['runtime', 'restore', '--id', 'gpu-01/llama.70b']);

  expect(exitCode).toBe(0);
  expect(stdout).toMatch(
    /^restore of gpu-01\/llama\.70b accepted, sent to its node; 3 of 3 restarts left; job gpu-01:\S+\n$/,
  );
  const command = await uplink.next('command');
  uplink.send({ type: 'command.done', id: command.id, ok: true, result: {} });
});

test('restore --wait follows the job and ends with how it ended', async () => {
  const following = cli(['runtime', 'restore', '--id', 'llama.70b', '--wait', '--json']);
  const command = await uplink.next('command');
  uplink.send({ type: 'command.received', id: command.id });
  uplink.send({
    type: 'command.done',
    id: command.id,
    ok: false,
    error: { reason: 'failed', message: 'The model is missing' },
  });

  const { exitCode, stdout, stderr } = await following;
  expect(exitCode).toBe(1);
  expect(stderr).toContain('arw-cli: restore of gpu-01/llama.70b failed: The model is missing\n');
  expect(v.parse(JobSchema, JSON.parse(stdout))).toMatchObject({ state: 'failed', node: 'gpu-01' });
});

test('restore of an exhausted runtime says so and when it resets, exit code 1', async () => {
  const { exitCode, stdout, stderr } = await cli(['runtime', 'restore', '--id', 'gpu-02/down']);

  expect({ exitCode, stdout }).toEqual({ exitCode: 1, stdout: '' });
  expect(stderr).toBe(
    `arw-cli: restart budget of gpu-02/down is exhausted: 0 of 3 restarts left, resets at ${RESET_SAID}; ` +
      'wait for the reset, or add --force\n',
  );
});

test('join-token prints the line to run on the new host', async () => {
  const { exitCode, stdout } = await cli(['join-token', '--uses', '2']);

  expect(exitCode).toBe(0);
  const token = /^ARW_JOIN_TOKEN=(\S+) arw-reporter run --hub (\S+)\n$/.exec(stdout);
  expect(token?.[2]).toBe(hub.url.origin);
  const asJson = await cli(['join-token', '--json']);
  expect(v.is(JoinTokenResponseSchema, JSON.parse(asJson.stdout))).toBe(true);
});

const FAULTS: [string, string[], Record<string, string>, number, RegExp][] = [
  [
    'an unknown runtime',
    ['runtime', 'restore', '--id', 'gpu-01/lama.70b'],
    {},
    1,
    /runtime is not known: .*llama\.70b/,
  ],
  [
    'an unknown node',
    ['runtime', 'restore', '--id', 'gpu-09/llama.70b'],
    {},
    1,
    /node is not known: .*gpu-09/,
  ],
  [
    'an ambiguous runtime',
    ['runtime', 'restore', '--id', 'shared'],
    {},
    1,
    /Several nodes.*gpu-01\/shared.*gpu-02\/shared/,
  ],
  [
    'a wrong token',
    ['runtime', 'status'],
    { ARW_ADMIN_TOKEN: 'wrong' },
    4,
    /check ARW_ADMIN_TOKEN or --token$/,
  ],
  ['no token', ['runtime', 'status'], { ARW_ADMIN_TOKEN: '' }, 4, /set ARW_ADMIN_TOKEN or --token$/],
  ['a hub URL that is none', ['runtime', 'status'], { ARW_HUB_URL: 'hub' }, 2, /is no hub URL/],
  ['a missing --id', ['runtime', 'restore'], {}, 2, /^arw-cli: required option '--id <runtime>'/],
  ['a command that is none', ['nods'], {}, 2, /^arw-cli: unknown command 'nods' \(Did you mean .*nodes/],
  ['an act that is none', ['runtime', 'restor'], {}, 2, /\(Did you mean restore\?\)$/],
  ['a flag that is none', ['nodes', '--wach'], {}, 2, /\(Did you mean --watch\?\)$/],
];
test.each(FAULTS)(
  '%s is one line on stderr with its exit code',
  async (_what, args, env, exitCode, words) => {
    const finished = await cli(args, env);

    expect(finished).toMatchObject({ exitCode, stdout: '' });
    expect(finished.stderr.trimEnd()).toMatch(words);
    expect(finished.stderr.trimEnd().split('\n')).toHaveLength(1);
  },
);

test('a hub that is down is one line with what to do, exit code 3', async () => {
  const finished = await cli(['runtime', 'status'], { ARW_HUB_URL: `http://127.0.0.1:${await freePort()}` });

  expect(finished).toMatchObject({ exitCode: 3, stdout: '' });
  expect(finished.stderr).toMatch(
    /^arw-cli: the hub at \S+ cannot be reached \(connection refused\); is it running.*\n$/,
  );
});
