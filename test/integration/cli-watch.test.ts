// nodes, grid and --watch of arw-cli against a real hub: drawn in place on a terminal, one after the other elsewhere.

import { readFile } from 'node:fs/promises';
import { stripVTControlCharacters } from 'node:util';
import * as v from 'valibot';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { GridSchema } from '../../contract/grid.ts';
import { MatrixSchema, NodesSchema, SupervisorSchema } from '../../contract/read-models.ts';
import { ADMIN_TOKEN, Hub } from '../support/hub.ts';
import { CLI, CliProcess, cliEnvironment } from '../support/cli-process.ts';
import { eventually } from '../support/eventually.ts';
import { CuttableWay } from '../support/cuttable-way.ts';
import { run, type Finished } from '../support/shell.ts';
import { runtimeRecord, snapshot } from '../support/snapshot.ts';

const ENTER = '\u001B[?1049h\u001B[?25l';
const LEAVE = '\u001B[?25h\u001B[?1049l';

let hub: Hub;
let token: string;
let seq = 0;

beforeAll(async () => {
  hub = await Hub.start();
  ({ token } = await hub.enroll('gpu-01'));
});
// However long the tests before took, the node was just heard.
beforeEach(async () => {
  seq += 1;
  await hub.post('gpu-01', token, snapshot({ node: 'gpu-01', seq, runtimes: [runtimeRecord()] }));
});
afterAll(async () => hub.stop());

function environment(given: Record<string, string> = {}): NodeJS.ProcessEnv {
  return cliEnvironment({ ARW_HUB_URL: hub.url.href, ARW_ADMIN_TOKEN: ADMIN_TOKEN, ...given });
}

function cli(args: string[], given: Record<string, string> = {}): Promise<Finished> {
  return run(process.execPath, [CLI, ...args], { env: environment(given) });
}

test('nodes and grid are tables, and what the hub serves with --json', async () => {
  const nodes = await cli(['nodes']);
  expect(nodes).toMatchObject({ exitCode: 0, stderr: '' });
  expect(nodes.stdout).toMatch(
    /^Nodes: 1 enrolled, 1 heard within the TTL, as of \S+Z\nttl_seconds 60 \(none past it\)\n/,
  );
  expect(nodes.stdout).toMatch(
    /^ {2}gpu-01 +\d+ s ago +1\/1 ready +40 % +post +Ready - Runtime telemetry nominal$/m,
  );
  const { stdout } = await cli(['nodes', '--json']);
  v.parse(v.strictObject({ nodes: NodesSchema.entries.nodes, matrix: MatrixSchema }), JSON.parse(stdout));

  const grid = await cli(['grid', '--model', 'llama-3.3-70b-q4']);
  expect(grid.stdout).toMatch(/^ {2}llama-3\.3-70b-q4 +CPU · Test +none +Ready +1\/1$/m);
  expect((await cli(['grid', '--model', 'none'])).stdout).toContain('Grid: 0 of 1 cell,');
  v.parse(GridSchema, JSON.parse((await cli(['grid', '--json'])).stdout));
  expect(await cli(['grid', '--state', 'well'])).toMatchObject({ exitCode: 2, stdout: '' });
});

test('colours are for terminals, or where they are asked for', async () => {
  expect((await cli(['nodes'])).stdout).not.toContain('\u001B');
  const forced = await cli(['nodes'], { FORCE_COLOR: '1' });
  expect(forced.stdout).toContain('\u001B[32mReady - Runtime telemetry nominal\u001B[39m');
  expect(stripVTControlCharacters(forced.stdout)).toMatch(/Ready - Runtime telemetry nominal$/m);

  const terminal = CliProcess.onTerminal(['nodes'], environment());
  expect(await terminal.ended).toBe(0);
  expect(terminal.stdout).toContain('\u001B[32m');
  const plain = CliProcess.onTerminal(['nodes'], environment({ NO_COLOR: '1' }));
  expect(await plain.ended).toBe(0);
  expect(plain.stdout).not.toContain('\u001B[32m');
  expect(plain.stdout).not.toContain('\u001B[2m');
});

test('a terminal is never written beyond its width', async () => {
  for (const columns of [80, 40]) {
    for (const command of [['runtime', 'status'], ['nodes'], ['grid'], ['node', 'list']]) {
      const shown = CliProcess.onTerminal(command, environment({ NO_COLOR: '1' }), { columns });
      expect(await shown.ended).toBe(0);
      // What moves while a hub is slow is written over, from the start of its line.
      const lines = stripVTControlCharacters(shown.stdout).split(/[\r\n]+/);
      expect(lines.filter((line) => line.length > columns)).toEqual([]);
    }
  }
});

test('--watch draws in place on a terminal, fits its size, and gives it back at Ctrl-C with what was seen last', async () => {
  const watching = CliProcess.onTerminal(['nodes', '--watch', '1'], environment({ NO_COLOR: '1' }), {
    rows: 12,
  });
  await watching.prints('telemetry');
  const first = watching.stdout.length;
  await watching.prints('telemetry', first);
  watching.type('\u0003');
  expect(await watching.ended).toBe(0);
  const { stdout } = watching;
  expect(stdout.split(ENTER)).toHaveLength(2);
  expect(stdout.split(LEAVE)).toHaveLength(2);
  const [drawn = '', after = ''] = stdout.slice(stdout.indexOf(ENTER)).split(LEAVE);
  // Nothing scrolls: each picture starts at home and is written over the one before.
  expect(drawn.split('\u001B[?2026h\u001B[H').length).toBeGreaterThan(2);
  expect(drawn).not.toContain('\u001B[2J');
  expect(after).toContain('telemetry');
});

test('--watch that is killed gives the terminal back too', async () => {
  const watching = CliProcess.onTerminal(['grid', '--watch', '1'], environment());
  await watching.prints('Every 1 s');
  process.kill(await processOf(watching), 'SIGTERM');
  await watching.ended;
  expect(watching.stdout).toContain(LEAVE);
});

/** The program itself, which `script` runs on the terminal. */
async function processOf(watching: CliProcess): Promise<number> {
  const { pid } = watching.process;
  return Number(await readFile(`/proc/${pid}/task/${pid}/children`, 'utf8'));
}

test('--watch fits a terminal that is made smaller, and gives it back while it is suspended', async () => {
  const watching = CliProcess.onTerminal(['nodes', '--watch', '3600'], environment({ NO_COLOR: '1' }));
  await watching.prints('telemetry');
  const pid = await processOf(watching);
  const before = watching.stdout.length;
  await run('stty', ['-F', `/proc/${pid}/fd/1`, 'cols', '40']);
  await watching.prints('telemetry', before);
  const lines = watching.stdout.slice(before).split('\r\n').map(stripVTControlCharacters);
  expect(lines.filter((line) => line.length > 40)).toEqual([]);

  const drawn = watching.stdout.length;
  process.kill(pid, 'SIGTSTP');
  // `script` stops together with what it runs, a moment later: told to go on before that, it would stay stopped.
  for (const one of [pid, watching.process.pid]) {
    await eventually('it is stopped', async () =>
      /^State:\s+T/m.test(await readFile(`/proc/${one}/status`, 'utf8')),
    );
  }
  watching.signal('SIGCONT');
  process.kill(pid, 'SIGCONT');
  await watching.prints(`${LEAVE}${ENTER}`, drawn);
  watching.type('\u0003');
  expect(await watching.ended).toBe(0);
});

test('--watch says that the hub is away, shows what it had, and goes on when the hub is back', async () => {
  const way = await CuttableWay.to(hub.url);
  const watching = CliProcess.onTerminal(
    ['nodes', '--watch', '1'],
    environment({ ARW_HUB_URL: way.url, NO_COLOR: '1' }),
  );
  await watching.prints('telemetry');
  way.close();
  await watching.prints('and not newer: the hub at');
  await way.open();
  const told = watching.stdout.lastIndexOf('and not newer');
  await watching.prints('\u001B[HEvery 1 s', told);
  watching.type('\u0003');
  expect(await watching.ended).toBe(0);
});

test('--watch elsewhere appends, with --json a line for each look', async () => {
  const watching = CliProcess.piped(['runtime', 'status', '--watch', '1', '--json'], environment());
  await watching.prints('}\n');
  await watching.prints('}\n', watching.stdout.length);
  watching.signal('SIGINT');
  expect(await watching.ended).toBe(0);
  const status = v.strictObject({ supervisor: SupervisorSchema, matrix: MatrixSchema });
  const lines = watching.stdout.trimEnd().split('\n');
  expect(lines.length).toBeGreaterThan(1);
  for (const line of lines) v.parse(status, JSON.parse(line));

  const words = CliProcess.piped(['nodes', '--watch', '1'], environment());
  await words.prints('nominal');
  await words.prints('\n\nNodes: 1 enrolled');
  words.signal('SIGINT');
  expect(await words.ended).toBe(0);
  expect(words.stdout).not.toContain('\u001B');
});

test.each<[string[], number, RegExp]>([
  [['nodes', '--watch', '0'], 2, /whole number from 1 to 3600/],
  [['--token', 'wrong', 'nodes', '--watch'], 4, /valid token/],
  [['--hub', 'http://127.0.0.1:9', 'grid', '--watch'], 3, /cannot be reached/],
])('%j ends with one sentence and its exit code', async (args, exitCode, words) => {
  const ended = await cli(args);
  expect(ended).toMatchObject({ exitCode, stdout: '' });
  expect(ended.stderr).toMatch(words);
});
