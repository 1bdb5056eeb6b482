// The acts of arw-cli as a process against a real hub: the arguments that reach the node, and the end in words.

import * as v from 'valibot';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { CommandAcceptedSchema } from '../../contract/command.ts';
import { CLI, cliEnvironment } from '../support/cli-process.ts';
import { ADMIN_TOKEN, Hub } from '../support/hub.ts';
import { run, type Finished } from '../support/shell.ts';
import { emptyBudget, runtimeRecord, snapshot } from '../support/snapshot.ts';
import type { UplinkClient } from '../support/uplink-client.ts';

const RESET_AT = new Date(Date.now() + 300_000).toISOString();
const RESET_SAID = RESET_AT.replace(/\.\d+Z$/, 'Z');
const ID = ['--id', 'gpu-01/llama.70b'];

let hub: Hub;
let uplink: UplinkClient;
let seq = 0;

beforeAll(async () => {
  hub = await Hub.start();
  const { token } = await hub.enroll('gpu-01');
  uplink = await hub.uplink('gpu-01', token);
});
/** However long the tests before took, the node was just heard. */
beforeEach(async () => {
  seq += 1;
  const spent = runtimeRecord({ id: 'spent', budget: emptyBudget(RESET_AT) });
  const runtimes = [runtimeRecord(), { ...spent, status: { ...spent.status, pid: 42 } }];
  await uplink.report(snapshot({ node: 'gpu-01', seq, runtimes }));
});
afterAll(async () => {
  await uplink.close();
  await hub.stop();
});

async function cli(args: string[]): Promise<Finished> {
  const env = cliEnvironment({ ARW_HUB_URL: hub.url.href, ARW_ADMIN_TOKEN: ADMIN_TOKEN });
  return run(process.execPath, [CLI, 'runtime', ...args], { env });
}

/** What the node is asked, what it answers, both as text; and what a person reads of it. */
const ACTS: [string[], string, string, string][] = [
  [
    ['drain'],
    '{}',
    '{"draining":true,"waited_seconds":12}',
    'slots empty after 12 s, no new work until an undrain',
  ],
  [
    ['drain', '--then', 'shutdown', '--timeout-secs', '30'],
    '{"then":"shutdown","timeout_seconds":30}',
    '{"state":"offline","waited_seconds":2.5,"later":{}}',
    'slots empty after 3 s, now Offline',
  ],
  [
    ['drain'],
    '{}',
    '{"draining":true,"waited_seconds":1,"counted_by":"gateway"}',
    'nothing under way through the gateway after 1 s, no new work until an undrain',
  ],
  [['undrain'], '{}', '{"draining":false}', 'it takes new work again'],
  [
    ['load', '--model', 'org/a:q4'],
    '{"model":"org/a:q4"}',
    '{"model":"org/a:q4","state":"loaded"}',
    'org/a:q4 is loaded',
  ],
  [
    ['unload', '--model', 'b'],
    '{"model":"b"}',
    '{"model":"b","state":"unloaded","already":true}',
    'b is unloaded already',
  ],
  [
    ['switch', '--preset', 'long', '--sandbox', 'bwrap'],
    '{"preset":"long","sandbox":"bwrap"}',
    '{"state":"ready","preset":"long","sandbox":"bwrap"}',
    'preset long, sandbox bwrap, now Ready',
  ],
  [
    ['budget', '--max-restarts', '5', '--window-secs', '900'],
    '{"max_restarts":5,"window_seconds":900}',
    '{"restart_budget":{"window_seconds":900,"max_restarts":5,"used":0,"remaining":5}}',
    '5 of 5 restarts left, window 900 s',
  ],
  [['budget', '--max-restarts', '0'], '{"max_restarts":0}', '{}', ''],
];

test.each(ACTS)(
  '%j asks the node for %s, and says its end',
  async ([kind = '', ...flags], args, result, words) => {
    const following = cli([kind, ...ID, ...flags, '--wait', '--timeout', '20']);
    const command = await uplink.next('command');
    expect(command).toMatchObject({ kind, runtime: 'llama.70b', args: JSON.parse(args) });
    uplink.send({ type: 'command.received', id: command.id });
    uplink.send({ type: 'command.done', id: command.id, ok: true, result: JSON.parse(result) });

    const { exitCode, stdout, stderr } = await following;
    expect(stderr).toContain(`${kind} of gpu-01/llama.70b accepted, sent to its node`);
    expect(stdout).toBe(`${kind} of gpu-01/llama.70b completed${words === '' ? '' : `: ${words}`}\n`);
    expect(exitCode).toBe(0);
  },
);

test('--json prints the answer of the hub', async () => {
  const { exitCode, stdout } = await cli(['undrain', ...ID, '--json']);
  const { job_id: id } = v.parse(CommandAcceptedSchema, JSON.parse(stdout));
  expect(exitCode).toBe(0);
  expect(await uplink.next('command')).toMatchObject({ id, kind: 'undrain' });
  uplink.send({ type: 'command.done', id, ok: true });
});

test('a wait that ends before its job says that the job goes on, exit code 1', async () => {
  const following = cli(['drain', ...ID, '--wait', '--timeout', '3']);
  const { id } = await uplink.next('command');
  uplink.send({ type: 'command.received', id });
  const { exitCode, stdout, stderr } = await following;
  expect({ exitCode, stdout }).toEqual({ exitCode: 1, stdout: '' });
  expect(stderr).toContain(`arw-cli: job ${id} is still running after 3 s; it goes on\n`);
  uplink.send({ type: 'command.done', id, ok: true });
});

test.each([
  ['switch', ['--preset', 'long']],
  ['drain', ['--then', 'restart']],
])('%s without headroom says what to do, exit code 1', async (kind, flags) => {
  const { exitCode, stdout, stderr } = await cli([kind, '--id', 'gpu-01/spent', ...flags]);
  expect({ exitCode, stdout }).toEqual({ exitCode: 1, stdout: '' });
  expect(stderr).toBe(
    `arw-cli: restart budget of gpu-01/spent is exhausted: 0 of 3 restarts left, resets at ${RESET_SAID}; wait for ` +
      'the reset, or raise it with "arw-cli runtime budget --id gpu-01/spent --max-restarts 4"\n',
  );
});

describe('wrong usage is one sentence and exit code 2:', () => {
  test.each<[string[], RegExp]>([
    [['switch', ...ID], /switch to what\? Name --preset, --sandbox or both$/],
    [['budget', ...ID], /change what of the budget\? Name --max-restarts, --window-secs or both$/],
    [['load', ...ID], /required option '--model <name>' not specified/],
    [['unload', '--model', 'a'], /required option '--id <runtime>' not specified/],
    [['drain', ...ID, '--then', 'stop'], /Allowed choices are hold, shutdown, restart/],
    [['drain', ...ID, '--timeout-secs', '3001'], /must be a whole number from 1 to 3000/],
    [['switch', ...ID, '--sandbox', 'chroot'], /Allowed choices are none, bwrap, container/],
    [['budget', ...ID, '--max-restarts', '-1'], /must be a whole number from 0 to 1000/],
    [['budget', ...ID, '--window-secs', '0x10'], /must be a whole number from 1 to 2592000/],
    [['undrain', ...ID, '--timeout', '0'], /must be a whole number from 1/],
  ])('%j', async (args, words) => {
    const { exitCode, stdout, stderr } = await cli(args);
    expect({ exitCode, stdout }).toEqual({ exitCode: 2, stdout: '' });
    expect(stderr.trimEnd()).toMatch(words);
    expect(stderr.trimEnd().split('\n')).toHaveLength(1);
  });

  test('nothing of it reached the node', async () => {
    expect(uplink.frames).toEqual([]);
  });
});
