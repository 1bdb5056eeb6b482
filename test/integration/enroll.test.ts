// `arw-reporter enroll`: a host made known to a hub, once, with its credentials for its user alone.

import { mkdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { freePort } from '../support/engine-process.ts';
import { FakeHub, JOIN_TOKEN } from '../support/fake-hub.ts';
import { Host, NODE } from '../support/reporter-host.ts';
import { ServedHub } from '../support/served-hub.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

test('enrols, keeps the credentials for its user alone, and the next run needs no join token', async () => {
  const [host, hub] = [await Host.prepare(), await FakeHub.start()];
  const done = await host.command('enroll', {}, '--hub', hub.url.href, '--join-token', JOIN_TOKEN);
  const kept = join(host.stateDir, 'credentials.json');
  expect(done).toEqual({
    exitCode: 0,
    stdout: `node ${NODE} is enrolled at ${hub.url.href}; its credentials are in ${kept}, for this user alone\n`,
    stderr: '',
  });
  expect((await stat(kept)).mode & 0o777).toBe(0o600);
  const running = host.start(hub.url, { ARW_JOIN_TOKEN: '' });
  await running.program.ready;
  expect(hub.enrolments).toEqual([NODE]);
});

test('already enrolled is told and changes nothing, --force replaces it', async () => {
  const [host, hub] = [await Host.prepare(), await FakeHub.start()];
  const env = { ARW_HUB_URL: hub.url.href, ARW_JOIN_TOKEN: JOIN_TOKEN };
  await host.command('enroll', env);
  const again = await host.command('enroll', env);
  expect(again).toMatchObject({ exitCode: 0, stdout: expect.stringContaining('--force enrols it anew') });
  expect(hub.enrolments).toHaveLength(1);
  expect(await host.command('enroll', env, '--force')).toMatchObject({ exitCode: 0 });
  expect(hub.enrolments).toHaveLength(2);
});

test('a node that the hub has already is refused in one sentence that says what to do', async () => {
  const hub = await ServedHub.ready(await temporaryFolder());
  await hub.enrol(NODE);
  const host = await Host.prepare();
  const refused = await host.command('enroll', { ARW_JOIN_TOKEN: await hub.joinToken() }, '--hub', hub.url);
  expect(refused).toMatchObject({ exitCode: 1, stdout: '' });
  expect(refused.stderr).toMatch(/^arw-reporter: The hub answered 409: The node is enrolled already\. .+\n$/);
  expect(refused.stderr).toContain(`arw-cli node remove ${NODE}`);
});

test('a wrong join token, and a hub that is away: exit code 1, one sentence, and the token is not repeated', async () => {
  const [host, hub] = [await Host.prepare(), await FakeHub.start()];
  const wrong = await host.command('enroll', { ARW_JOIN_TOKEN: 'wrong-token' }, '--hub', hub.url.href);
  expect(wrong).toMatchObject({ exitCode: 1, stdout: '' });
  expect(wrong.stderr).toBe(
    'arw-reporter: The hub answered 403: The join token is not valid. This is why.\n',
  );
  const url = `http://127.0.0.1:${await freePort()}/`;
  const away = await host.command('enroll', { ARW_JOIN_TOKEN: 'wrong-token' }, '--hub', url);
  expect(away).toMatchObject({ exitCode: 1, stderr: expect.stringContaining('is away: connection refused') });
});

test('settings that cannot be used: exit code 2, and no token is spent', async () => {
  const [host, hub] = [await Host.prepare(), await FakeHub.start()];
  const without = await host.command('enroll', {}, '--hub', hub.url.href);
  expect(without).toMatchObject({
    exitCode: 2,
    stderr:
      'arw-reporter: there is no join token; get one from the operator of the hub (arw-cli join-token) and set ARW_JOIN_TOKEN\n',
  });
  const env = { ARW_JOIN_TOKEN: JOIN_TOKEN };
  const nowhere = await host.command('enroll', env, '--hub', hub.url.href, '--state-dir', '/proc/none/state');
  expect(nowhere).toMatchObject({ exitCode: 2, stderr: expect.stringContaining('cannot be written') });
  expect(hub.enrolments).toEqual([]);

  await mkdir(host.stateDir);
  await writeFile(join(host.stateDir, 'credentials.json'), '{"hub":');
  const damaged = await host.command('enroll', env, '--hub', hub.url.href);
  expect(damaged).toMatchObject({
    exitCode: 2,
    stderr: expect.stringContaining('or replace it with --force'),
  });
  expect(await host.command('enroll', env, '--hub', hub.url.href, '--force')).toMatchObject({ exitCode: 0 });
  expect(JSON.parse(await readFile(join(host.stateDir, 'credentials.json'), 'utf8'))).toMatchObject({
    node: NODE,
  });
});
