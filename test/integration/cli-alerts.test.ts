// arw-cli alert: set without showing what is secret, changed where it is named, tried on a real receiver, read, removed.

import * as v from 'valibot';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { AlertSchema, AlertsSchema, AlertTestedSchema, type Alert } from '../../contract/alerts.ts';
import { CLI, cliEnvironment, CliProcess } from '../support/cli-process.ts';
import { eventually } from '../support/eventually.ts';
import { ADMIN_TOKEN, Hub } from '../support/hub.ts';
import { run, type Finished } from '../support/shell.ts';
import { runtimeRecord, snapshot } from '../support/snapshot.ts';
import { WebhookReceiver } from '../support/webhook-receiver.ts';

let hub: Hub;
let receiver: WebhookReceiver;
let env: NodeJS.ProcessEnv;
beforeAll(async () => {
  hub = await Hub.start({ vars: { ARW_ALERT_LOCAL_TARGETS: '1' } });
  env = cliEnvironment({ ARW_HUB_URL: hub.url.href, ARW_ADMIN_TOKEN: ADMIN_TOKEN });
});
afterAll(() => hub.stop());
beforeEach(async () => {
  receiver = await WebhookReceiver.listening();
  await (await hub.ask('/alerts/ops', { method: 'DELETE' })).body?.cancel();
});

async function cli(...args: string[]): Promise<Finished> {
  return run(process.execPath, [CLI, 'alert', ...args], { env });
}

async function shown(): Promise<Alert> {
  return v.parse(AlertSchema, JSON.parse((await cli('show', 'ops', '--json')).stdout));
}

/** As a script hands it in. */
async function piped(line: string, ...args: string[]): Promise<CliProcess> {
  const process = CliProcess.piped(['alert', ...args], env);
  process.process.stdin.end(`${line}\n`);
  await process.ended;
  return process;
}

test('an alert is set with a piped URL, tried, changed and removed', async () => {
  const { host } = new URL(receiver.url);
  const set = await piped(receiver.url, 'set', 'ops', '--grace-secs', '5', '--nodes', 'gpu-01,gpu-02');
  expect(set.stdout).toBe(`alert ops set: HTTP receiver at ${host}\n`);
  expect(set.stderr).toBe('Try it: arw-cli alert test ops\n');
  expect(await shown()).toMatchObject({ grace_seconds: 5, nodes: ['gpu-01', 'gpu-02'], enabled: true });

  const tested = await cli('test', 'ops');
  expect(tested.stdout).toMatch(
    /^the receiver of alert ops took the test message: it answered 200 within \d+ ms\n$/,
  );
  const asJson = await cli('test', 'ops', '--json');
  expect(v.parse(AlertTestedSchema, JSON.parse(asJson.stdout))).toMatchObject({ ok: true, status: 200 });
  receiver.orders.push(404);
  const failed = await cli('test', 'ops');
  expect(failed).toMatchObject({ exitCode: 1, stdout: '' });
  expect(failed.stderr).toContain(`http://${host} answered 404 (no_such_channel)`);

  // What is not named stays, and all of something is a star.
  const made = await cli('set', 'ops', '--secret', 'new', '--nodes', '*', '--disable');
  expect(made.stdout).toMatch(/^alert ops changed: .*, switched off\nits secret, .*: whsec_\S{44}\n$/);
  const { nodes, ...changed } = await shown();
  expect(changed).toMatchObject({ grace_seconds: 5, signed: true, enabled: false });
  expect(nodes).toBeUndefined();
  const unsigned = await cli('set', 'ops', '--no-secret', '--enable', '--kinds', 'node.stale', '--json');
  expect(v.parse(AlertSchema, JSON.parse(unsigned.stdout))).toMatchObject({
    signed: false,
    enabled: true,
    kinds: ['node.stale'],
    target: `http://${host}`,
  });

  expect(await cli('remove', 'ops')).toMatchObject({ exitCode: 2, stdout: '' });
  expect((await cli('remove', 'ops', '--yes', '--json')).stdout).toBe('{\n  "removed": "ops"\n}\n');
  expect((await cli('list')).stdout).toMatch(/^Alerts: 0 set, 0 open\nThe hub tells nobody yet: /);
});

test('what is open and what fails is seen in the list and in full', async () => {
  const node = 'gpu-07';
  const { token } = await hub.enroll(node);
  receiver.orders.push(410);
  await cli('set', 'ops', '--url', receiver.url, '--shape', 'slack', '--grace-secs', '0', '--nodes', node);
  const told = snapshot({ node, runtimes: [runtimeRecord({ state: 'error' })] });
  expect((await hub.post(node, token, told)).status).toBe(200);
  await eventually('the failure', async () => {
    const alert = v.parse(AlertSchema, await (await hub.ask('/alerts/ops')).json());
    return alert.delivery.dropped === 1;
  });

  const { stdout } = await cli('list');
  expect(stdout).toMatch(/^Alerts: 1 set, 1 open\n/);
  expect(stdout).toMatch(/ops {4}on, failing {2}Slack at 127\.0\.0\.1:\d+ +1 +0 delivered, 1 dropped/);
  expect(stdout).toMatch(/- PROBLEM gpu-07\/llama\.70b: Error \(since \S+Z\)\n/);
  expect(stdout).toMatch(/- last failure \S+Z: http:\S+ answered 410 \(no_such_channel\); given up/);
  const all = await cli('list', '--json');
  expect(v.parse(AlertsSchema, JSON.parse(all.stdout)).alerts).toMatchObject([{ id: 'ops' }]);
  const full = await cli('show', 'ops');
  expect(full.stdout).toMatch(/^Alert ops\n {2}state {9}on, failing\n/);
  expect(full.stdout).toMatch(/ {2}about {9}node gpu-07\n/);
  expect(full.stdout + stdout).not.toContain('a-secret-path');
});

test.each<[string[], number, RegExp]>([
  [['show', 'none'], 1, /There is no alert "none"/],
  [['test', 'none'], 1, /There is no alert "none"/],
  [['remove', 'none', '--yes'], 1, /There is no alert "none"/],
  [['remove', 'none'], 2, /nobody is here to confirm it: add --yes to remove alert "none"/],
  [['set', 'ops', '--url', 'nonsense'], 1, /is no URL: write it as https:/],
  [['set', 'ops', '--url', 'https://a.example', '--secret', 'short'], 1, /must be "whsec_" and 24 to 64/],
  [['set', 'ops', '--kinds', 'nonsense'], 2, /The kinds are runtime\.state, node\.stale/],
  [['set', 'ops', '--nodes', ' , '], 2, /Name at least one, or "\*" for all/],
  [['set', 'ops', '--grace-secs', '-1'], 2, /whole number from 0 to 86400/],
  [['set', 'ops', '--enable', '--disable'], 2, /cannot be used with/],
  [['set'], 2, /missing required argument 'alert'/],
])('%j is one sentence with its exit code', async (args, exitCode, words) => {
  const finished = await cli(...args);
  expect(finished).toMatchObject({ exitCode, stdout: '' });
  expect(finished.stderr.trimEnd()).toMatch(words);
});

test('a new alert without a URL says what is missing', async () => {
  const { stderr, ended } = await piped('', 'set', 'ops');
  expect(await ended).toBe(2);
  expect(stderr).toMatch(/the URL of the webhook is missing: give --url, or pipe it in/);
});

test('completion knows the alerts', async () => {
  await cli('set', 'ops', '--url', receiver.url);
  const { stdout } = await run(process.execPath, [CLI, '__complete', 'alert', 'test', 'o'], { env });
  expect(stdout).toBe(`ops\tHTTP receiver at ${new URL(receiver.url).host}\n`);
  const kinds = await run(process.execPath, [CLI, '__complete', 'alert', 'set', 'ops', '--kinds', 'n'], {
    env,
  });
  expect(kinds.stdout).toBe('node.stale\t\n');
});
