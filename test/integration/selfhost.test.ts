// `arw-hub` as a process: what it prints and keeps, when it refuses to start, and how it ends.

import { once } from 'node:events';
import { readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { eventually } from '../support/eventually.ts';
import { processesWith } from '../support/processes.ts';
import { nobodyWith, refused, ServedHub } from '../support/served-hub.ts';
import { snapshot } from '../support/snapshot.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';
import { UplinkClient } from '../support/uplink-client.ts';

const ENDS_WITHIN_MS = 10_000;
const NODE = 'gpu-01';

test('makes a token, prints it, keeps it for its owner alone, and takes it again', async () => {
  const data = join(await temporaryFolder(), 'deep', 'data');
  const first = await ServedHub.ready(data);

  expect(first.lines).toEqual([
    `data ${data}`,
    `ARW_ADMIN_TOKEN=${first.token}`,
    `dashboard ${first.url}/#token=${first.token}`,
    `hub ready ${first.url}`,
  ]);
  expect(first.url).toMatch(/^http:\/\/127\.0\.0\.1:\d+$/);
  expect(await readFile(join(data, 'admin-token'), 'utf8')).toBe(`${first.token}\n`);
  for (const file of ['admin-token', 'hub.capnp', 'workerd.json']) {
    expect([file, (await stat(join(data, file))).mode & 0o777]).toEqual([file, 0o600]);
  }
  expect((await stat(data)).mode & 0o777).toBe(0o700);
  expect((await first.ask('GET', '/state/runtime_matrix')).status).toBe(200);
  expect((await first.ask('GET', '/state/runtime_matrix', { token: 'other' })).status).toBe(401);
  // What listens may be read by every user of the machine in the list of processes.
  expect((await processesWith(data)).join('\n')).not.toContain(first.token);
  await first.program.stop();

  // As an earlier release left it, with the token in it.
  await writeFile(join(data, 'hub.jsonc'), '{}');
  const second = await ServedHub.ready(data);
  expect(second.token).toBe(first.token);
  expect(await readdir(data)).not.toContain('hub.jsonc');
});

test('takes a token that is given, and neither prints nor keeps it', async () => {
  const data = await temporaryFolder();
  const served = await ServedHub.ready(data, [], { ARW_ADMIN_TOKEN: 'chosen-secret' });

  expect([...served.lines, ...served.errors].join('\n')).not.toContain('chosen-secret');
  await expect(stat(join(data, 'admin-token'))).rejects.toThrow('ENOENT');
  expect((await served.ask('GET', '/state/runtime_matrix', { token: 'chosen-secret' })).status).toBe(200);
});

test('passes settings on to the worker', async () => {
  const served = await ServedHub.ready(await temporaryFolder(), [], { ARW_RUNTIME_MATRIX_TTL_SEC: '7' });
  // Below what is allowed: the least that is.
  expect(await served.matrix()).toMatchObject({ ttl_seconds: 10 });
});

test('SIGTERM ends everything in time and well, also with an uplink open and twice told', async () => {
  const data = await temporaryFolder();
  const served = await ServedHub.ready(data);
  const token = await served.enrol(NODE);
  const client = await UplinkClient.admitted(new URL(served.url), NODE, token);
  await client.report(snapshot());

  const from = performance.now();
  served.program.kill('SIGINT');
  const ended = await served.program.stop();
  expect(performance.now() - from).toBeLessThan(ENDS_WITHIN_MS);
  expect(ended.message).toContain('exit code 0');
  await client.closed;
  await nobodyWith(data);
  expect(served.errors.filter((line) => line.startsWith('arw-hub:'))).toEqual([]);
});

// Each of them appears a step further on the way to being ready.
test.each(['lock.sqlite', 'main.js', 'hub.capnp', 'workerd.json'])(
  'SIGTERM while it starts ends it well: %s has just been written',
  async (file) => {
    const data = await temporaryFolder();
    const starting = ServedHub.starting(data);
    await eventually(`${file} is there`, async () => (await readdir(data)).includes(file));

    const from = performance.now();
    const ended = await starting.program.stop();
    expect(performance.now() - from).toBeLessThan(ENDS_WITHIN_MS);
    expect(ended.message).toContain('exit code 0');
    await nobodyWith(data);
    expect(starting.errors.filter((line) => line.startsWith('arw-hub:'))).toEqual([]);
  },
);

test('a port in use is one line with what to do, exit code 3', async () => {
  const data = await temporaryFolder();
  const taken = createServer();
  onTestFinished(() => void taken.close());
  taken.listen({ host: '127.0.0.1', port: 0 });
  await once(taken, 'listening');
  const address = taken.address();
  const port = typeof address === 'object' ? String(address?.port) : '';

  const { exitCode, lines, errors } = await refused(data, ['--port', port]);
  expect({ exitCode, lines }).toEqual({ exitCode: 3, lines: [] });
  expect(errors).toEqual([expect.stringMatching(/^arw-hub: port \d+ on 127\.0\.0\.1 is in use: .*--port$/)]);
  await nobodyWith(data);
});

test('an address that others reach wants a token of its own, exit code 2', async () => {
  const data = await temporaryFolder();
  for (const host of ['0.0.0.0', '::', '192.0.2.1']) {
    const { exitCode, lines, errors } = await refused(data, ['--host', host]);
    expect({ exitCode, lines }).toEqual({ exitCode: 2, lines: [] });
    expect(errors).toEqual([
      expect.stringMatching(/^arw-hub: \S+ can be reached from other machines: set ARW_ADMIN_TOKEN .*$/),
    ]);
  }
  await expect(stat(join(data, 'admin-token'))).rejects.toThrow('ENOENT');

  const served = await ServedHub.ready(data, ['--host', '0.0.0.0'], { ARW_ADMIN_TOKEN: 'chosen' });
  expect(served.url).toMatch(/^http:\/\/0\.0\.0\.0:\d+$/);
});

test('a second hub on the same data is refused, exit code 4, and disturbs nobody', async () => {
  const data = await temporaryFolder();
  const first = await ServedHub.ready(data);

  const { exitCode, lines, errors } = await refused(data);
  expect({ exitCode, lines }).toEqual({ exitCode: 4, lines: [] });
  expect(errors).toEqual([expect.stringMatching(/^arw-hub: another hub runs on \S+: .*--data$/)]);
  expect((await first.ask('GET', '/state/runtime_matrix')).status).toBe(200);
});

test.each([
  ['a port that is none', ['--port', '65536'], /--port/],
  ['a port with a sign', ['--port', 'x1'], /--port/],
  ['an address that is none of this machine', ['--port', '1', '--host', '127.0.0.1x'], /127\.0\.0\.1x/],
  ['an unknown option', ['--prot', '1'], /--prot/],
])('%s is refused, exit code 2', async (_what, args, words) => {
  const data = await temporaryFolder();
  const env = { ARW_ADMIN_TOKEN: 'chosen' };
  const { exitCode, lines, errors } = await refused(data, args, env);
  expect({ exitCode, lines }).toEqual({ exitCode: 2, lines: [] });
  expect(errors.join('\n')).toMatch(words);
});

test('a data folder that is a file is refused with its name, exit code 2', async () => {
  const file = join(await temporaryFolder(), 'file');
  await writeFile(file, '');
  const { exitCode, errors } = await refused(file);
  expect(exitCode).toBe(2);
  expect(errors).toEqual([expect.stringMatching(/^arw-hub: the data folder \S+\/file cannot be used: .*$/)]);
});
