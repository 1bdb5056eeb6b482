// arw-cli runtime logs as a process against a real hub: what it prints, and how it ends.

import { afterAll, afterEach, beforeAll, beforeEach, expect, onTestFinished, test } from 'vitest';
import type { Command } from '../../contract/command.ts';
import { CLI, CliProcess, cliEnvironment } from '../support/cli-process.ts';
import { ADMIN_TOKEN, Hub } from '../support/hub.ts';
import { run } from '../support/shell.ts';
import { snapshot } from '../support/snapshot.ts';
import type { UplinkClient } from '../support/uplink-client.ts';

const NODE = 'gpu-01';
const LOGS = ['runtime', 'logs', '--id', 'llama.70b'];

let hub: Hub;
let token: string;
let uplink: UplinkClient;
let seq = 0;

beforeAll(async () => {
  hub = await Hub.start();
  token = (await hub.enroll(NODE)).token;
});
afterAll(async () => hub.stop());
beforeEach(async () => {
  uplink = await hub.uplink(NODE, token);
  await uplink.report(snapshot({ node: NODE, seq: (seq += 1) }));
});
afterEach(async () => uplink.close());

function environment(): NodeJS.ProcessEnv {
  return cliEnvironment({ ARW_HUB_URL: hub.url.href, ARW_ADMIN_TOKEN: ADMIN_TOKEN });
}

/** The CLI follows, the node has taken it and sent these lines. */
async function following(...lines: string[]): Promise<{ cli: CliProcess; command: Command }> {
  const cli = CliProcess.piped([...LOGS, '--tail', '5', '--follow'], environment());
  const command = await uplink.next('command');
  uplink.send({ type: 'log.chunk', id: command.id, seq: 0, lines });
  return { cli, command };
}

test('a tail is printed as it is, without what would steer the terminal', async () => {
  const printing = run(process.execPath, [CLI, ...LOGS, '--tail', '2'], { env: environment() });
  const { id, args } = await uplink.next('command');
  expect(args).toEqual({ tail: 2, follow: false });
  uplink.send({ type: 'log.chunk', id, seq: 0, lines: ['one', 'two\u001B[2J'] });
  uplink.send({ type: 'command.done', id, ok: true, result: {} });
  expect(await printing).toEqual({ exitCode: 0, stdout: 'one\ntwo\uFFFD[2J\n', stderr: '' });
});

test('--json prints a document for each line, and for each gap', async () => {
  const cli = CliProcess.piped([...LOGS, '--json', '--follow'], environment());
  const { id } = await uplink.next('command');
  uplink.send({ type: 'log.chunk', id, seq: 0, lines: ['a "word"'], dropped: 3 });
  await cli.prints('word');
  cli.signal('SIGINT');
  expect(await cli.ended).toBe(0);
  expect(cli.stdout.split('\n').slice(0, 2).toSorted()).toEqual([
    '{"dropped":3}',
    String.raw`{"line":"a \"word\""}`,
  ]);
  expect(cli.stderr).toBe('');
});

test('a follow prints lines as they come, says what is missing, and Ctrl-C ends it well', async () => {
  const { cli, command } = await following('one');
  await cli.prints('one\n');
  uplink.send({ type: 'log.chunk', id: command.id, seq: 1, lines: ['four'], dropped: 2 });
  await cli.prints('four\n');
  cli.signal('SIGINT');
  expect(await cli.ended).toBe(0);
  expect(cli.stdout).toBe('one\nfour\n');
  expect(cli.stderr).toBe('2 lines left out here: the log is faster than its way\n');
});

test('a pipe that nobody reads any more ends it without a word', async () => {
  const pipe = CliProcess.inShell('"$0" "$@" | head -n 1', [...LOGS, '--follow'], environment());
  const { id } = await uplink.next('command');
  uplink.send({ type: 'log.chunk', id, seq: 0, lines: ['one'] });
  await pipe.prints('one\n');
  // That the pipe is closed is found out by writing to it.
  let count = 0;
  const writing = setInterval(
    () => uplink.send({ type: 'log.chunk', id, seq: (count += 1), lines: ['more'] }),
    20,
  );
  const exitCode = await pipe.ended.finally(() => clearInterval(writing));
  expect({ exitCode, stdout: pipe.stdout, stderr: pipe.stderr }).toEqual({
    exitCode: 0,
    stdout: 'one\n',
    stderr: '',
  });
});

test('a follow that came to its limit is done, one whose node went has failed', async () => {
  const limited = await following('one');
  const result = { ended: 'limit', message: 'Followed for 1 h; ask again to go on' };
  uplink.send({ type: 'command.done', id: limited.command.id, ok: true, result });
  expect(await limited.cli.ended).toBe(0);
  expect(limited.cli.stderr).toBe('Followed for 1 h; ask again to go on\n');

  const cut = await following('one');
  await cut.cli.prints('one');
  uplink.socket.terminate();
  expect(await cut.cli.ended).toBe(1);
  expect(cut.cli.stderr).toBe('arw-cli: The connection to node "gpu-01" ended: ask again when it is back\n');
});

test('a stream that breaks off is a hub that cannot be reached any more', async () => {
  const other = await Hub.start();
  onTestFinished(() => other.stop());
  const enrolled = await other.enroll(NODE);
  const client = await other.uplink(NODE, enrolled.token);
  await client.report(snapshot({ node: NODE }));
  const cli = CliProcess.piped(['--hub', other.url.href, ...LOGS, '--follow'], environment());
  const { id } = await client.next('command');
  client.send({ type: 'log.chunk', id, seq: 0, lines: ['one'] });
  await cli.prints('one');
  await other.stop();
  expect(await cli.ended).toBe(3);
  expect(cli.stderr).toMatch(/^arw-cli: the stream from \S+ broke off.*; ask again to go on\n$/);
});

test.each([
  ['an unknown runtime', ['runtime', 'logs', '--id', 'gpu-01/lama'], 1, /runtime is not known/],
  ['a tail that is none', [...LOGS, '--tail', '-1'], 2, /whole number from 0 to 1000/],
  ['a missing --id', ['runtime', 'logs'], 2, /required option '--id <runtime>'/],
] as const)('%s is told with its exit code', async (_what, args, exitCode, words) => {
  const finished = await run(process.execPath, [CLI, ...args], { env: environment() });
  expect(finished).toMatchObject({ exitCode, stdout: '' });
  expect(finished.stderr).toMatch(words);
});
