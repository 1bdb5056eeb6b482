// arw-cli events tail as a process against a real hub: what it says, and how it goes on after a connection that broke.

import { once } from 'node:events';
import { createServer } from 'node:http';
import * as v from 'valibot';
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';
import { placeAt } from '../../cli/commands/events-tail.ts';
import { EventSchema } from '../../contract/events.ts';
import { ADMIN_TOKEN, Hub } from '../support/hub.ts';
import { CliProcess, cliEnvironment } from '../support/cli-process.ts';
import { CuttableWay } from '../support/cuttable-way.ts';
import { freePort } from '../support/engine-process.ts';
import { eventually } from '../support/eventually.ts';
import { runtimeRecord, snapshot } from '../support/snapshot.ts';
import type { RuntimeState } from '../../contract/words.ts';

const NODE = 'gpu-01';

let hub: Hub;
let token: string;
let seq = 0;

beforeAll(async () => {
  hub = await Hub.start();
  ({ token } = await hub.enroll(NODE));
});
afterAll(async () => hub.stop());

async function say(state: RuntimeState): Promise<void> {
  seq += 1;
  await hub.post(NODE, token, snapshot({ node: NODE, seq, runtimes: [runtimeRecord({ state })] }));
}

/** Begins with what the log has by then: whoever wants more waits until it subscribes. */
async function tail(args: string[] = [], url = hub.url.href): Promise<CliProcess> {
  await hub.toldFleet();
  const env = cliEnvironment({ ARW_HUB_URL: url, ARW_ADMIN_TOKEN: ADMIN_TOKEN });
  return CliProcess.piped(['events', 'tail', ...args], env);
}

test('a sentence for each event as it happens; a connection that breaks is taken up where it broke; Ctrl-C ends it', async () => {
  const way = await CuttableWay.to(hub.url);
  const cli = await tail([], way.url);
  await eventually('it subscribes', async () => (await hub.subscribers()) > 0);
  await say('ready');
  await cli.prints('gpu-01/llama.70b is Ready (was Unknown)\n');
  way.cut();
  await cli.tells('trying again in');
  await say('degraded');
  await cli.tells('connected again');
  await cli.prints('gpu-01/llama.70b is Degraded (was Ready)\n');
  cli.signal('SIGINT');
  expect(await cli.ended).toBe(0);
  const lines = cli.stdout.trimEnd().split('\n');
  expect(lines.filter((line) => line.includes('llama.70b is Ready'))).toHaveLength(1);
  for (const line of lines) expect(line).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ {2}\S/);
});

test('a stream that ends before its first event is taken up at the time that the hub told', async () => {
  const asked: (string | undefined)[] = [];
  const server = createServer((request, response) => {
    asked.push(request.headersDistinct['last-event-id']?.[0]);
    response.writeHead(200, { date: 'Sun, 22 Nov 2026 12:00:00 GMT' });
    response.end(': still here\n\n');
  });
  const port = await freePort();
  server.listen(port, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => void server.close());
  const url = `http://127.0.0.1:${port}`;
  const settings = { ARW_HUB_URL: url, ARW_ADMIN_TOKEN: ADMIN_TOKEN };
  const cli = CliProcess.piped(['events', 'tail'], cliEnvironment(settings));
  await cli.tells('connected again');
  cli.signal('SIGINT');
  expect(await cli.ended).toBe(0);
  expect(asked.slice(0, 2)).toEqual([undefined, '1795348800000000']);
});

test('from that time on a hub tells everything that happened since', async () => {
  await say('ready');
  const headers = { authorization: `Bearer ${ADMIN_TOKEN}` };
  const opened = await fetch(new URL('events', hub.url), { headers });
  await opened.body?.cancel();
  const place = placeAt(opened.headers.get('date') ?? undefined);
  await say('error');
  const cli = await tail(['--after', place ?? 'unknown']);
  await cli.prints('gpu-01/llama.70b is Error (was Ready)');
  cli.signal('SIGINT');
  expect(await cli.ended).toBe(0);
  expect(cli.stdout).not.toContain('something is missing');
});

test('--json prints an event on each line; --prefix and --replay choose', async () => {
  await say('ready');
  await say('error');
  const cli = await tail(['--json', '--prefix', 'runtime.state.', '--replay', '1']);
  await cli.prints('\n');
  cli.signal('SIGINT');
  expect(await cli.ended).toBe(0);
  const [first = '', ...rest] = cli.stdout.trimEnd().split('\n');
  expect(rest).toEqual([]);
  expect(v.parse(EventSchema, JSON.parse(first))).toMatchObject({
    kind: 'runtime.state.changed',
    payload: { node: NODE, runtime: 'llama.70b', to: 'error' },
  });
});

test('--after tells what came after an event', async () => {
  const cli = await tail(['--json', '--after', '0', '--prefix', 'node.online']);
  await cli.prints('"node.online"');
  cli.signal('SIGINT');
  expect(await cli.ended).toBe(0);
});

test.each<[string[], Record<string, string>, number, RegExp]>([
  [['--replay', '1001'], {}, 2, /whole number from 0 to 1000/],
  [['--after', 'yesterday'], {}, 2, /must be the id of an event/],
  [['--prefix', 'NODE'], {}, 1, /beginnings of kinds/],
  [[], { ARW_ADMIN_TOKEN: 'wrong' }, 4, /valid token/],
  [[], { ARW_HUB_URL: 'http://127.0.0.1:9' }, 3, /cannot be reached/],
])(
  '%j %j is one sentence with its exit code: nothing is tried again that never went',
  async (args, env, exitCode, words) => {
    const settings = { ARW_HUB_URL: hub.url.href, ARW_ADMIN_TOKEN: ADMIN_TOKEN, ...env };
    const cli = CliProcess.piped(['events', 'tail', ...args], cliEnvironment(settings));
    expect(await cli.ended).toBe(exitCode);
    expect(cli.stdout).toBe('');
    expect(cli.stderr).toMatch(words);
    expect(cli.stderr.trimEnd().split('\n')).toHaveLength(1);
  },
);
