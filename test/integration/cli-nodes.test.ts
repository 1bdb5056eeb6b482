// arw-cli node: who is enrolled, heard or not, and how one goes. And the registry over HTTP that it reads.

import * as v from 'valibot';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { MatrixSchema, NodesSchema } from '../../contract/read-models.ts';
import { CLI, cliEnvironment } from '../support/cli-process.ts';
import { ADMIN_TOKEN, Hub, reasonOf } from '../support/hub.ts';
import { run, type Finished } from '../support/shell.ts';
import { snapshot } from '../support/snapshot.ts';

let hub: Hub;

beforeAll(async () => {
  hub = await Hub.start();
  const { token } = await hub.enroll('gpu-01');
  await hub.post('gpu-01', token, snapshot({ node: 'gpu-01' }));
  await hub.enroll('lost');
});
afterAll(async () => hub.stop());

async function cli(args: string[]): Promise<Finished> {
  const env = cliEnvironment({ ARW_HUB_URL: hub.url.href, ARW_ADMIN_TOKEN: ADMIN_TOKEN });
  return run(process.execPath, [CLI, 'node', ...args], { env });
}

test('the registry lists every enrolled node, heard or not, under a tag that names what it says', async () => {
  const answer = await hub.ask('/state/nodes');
  const { nodes } = v.parse(NodesSchema, await answer.json());
  expect(nodes.map(({ node }) => node)).toEqual(['gpu-01', 'lost']);
  const tag = answer.headers.get('etag') ?? '';
  expect((await hub.ask('/state/nodes', { headers: { 'if-none-match': tag } })).status).toBe(304);

  expect((await hub.ask('/state/nodes', { token: null })).status).toBe(401);
  expect(await reasonOf(await hub.ask('/state/nodes', { method: 'POST', body: {} }))).toBe(
    'method-not-allowed',
  );
  expect(await reasonOf(await hub.ask('/state/nodes?stale=true'))).toBe('malformed-body');
});

test('node list tells who is heard, --json what the hub serves', async () => {
  const { exitCode, stdout } = await cli(['list']);
  expect(exitCode).toBe(0);
  const lines = stdout.split('\n');
  expect(lines[0]).toMatch(/^Nodes: 2 enrolled, as of \S+Z$/);
  expect(lines[1]).toMatch(
    /^ {2}gpu-01 {2}enrolled \S+Z {2}heard \d+ s ago, Ready - Runtime telemetry nominal$/,
  );
  expect(lines[2]).toMatch(/^ {2}lost {4}enrolled \S+Z {2}not heard, or not for a long time$/);

  const asJson = await cli(['list', '--json']);
  const schema = v.strictObject({ nodes: NodesSchema.entries.nodes, matrix: MatrixSchema });
  expect(v.parse(schema, JSON.parse(asJson.stdout)).nodes).toHaveLength(2);
});

test('a node goes only with --yes where nobody can be asked; then its name is free', async () => {
  const { join_token: joinToken } = v.parse(
    v.looseObject({ join_token: v.string() }),
    await (await hub.ask('/join-tokens', { method: 'POST', body: {} })).json(),
  );
  const body = { join_token: joinToken, node: 'lost' };
  const enrol = async (): Promise<Response> =>
    hub.ask('/nodes/enroll', { method: 'POST', token: null, body });
  const taken = await enrol();
  expect(await taken.clone().json()).toMatchObject({
    detail: expect.stringContaining('arw-cli node remove lost'),
  });
  expect(await reasonOf(taken)).toBe('node-exists');

  const refused = await cli(['remove', 'lost']);
  expect(refused).toEqual({
    exitCode: 2,
    stdout: '',
    stderr: 'arw-cli: nobody is here to confirm it: add --yes to remove node "lost"\n',
  });

  const removed = await cli(['remove', 'lost', '--yes']);
  expect(removed).toEqual({
    exitCode: 0,
    stdout: 'node lost removed: its token is void, and its name is free for another join token\n',
    stderr: '',
  });
  expect((await cli(['list'])).stdout).not.toContain('lost');
  expect((await enrol()).status).toBe(201);
});

test.each<[string[], number, RegExp]>([
  [['remove', 'nobody', '--yes'], 1, /node is not known: .*"nobody"/],
  [['remove', '..', '--yes'], 2, /"\.\." is no name of a node; "arw-cli node list" has the names/],
  [['remove', '--yes'], 2, /missing required argument 'node'/],
])('%j is one sentence with its exit code', async (args, exitCode, words) => {
  const finished = await cli(args);
  expect(finished).toMatchObject({ exitCode, stdout: '' });
  expect(finished.stderr.trimEnd()).toMatch(words);
});
