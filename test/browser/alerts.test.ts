// Alerts on the dashboard, to a real receiver: set, tried, switched, changed and removed by keyboard alone; a problem and its
// end as they happen; axe in both themes, and 320 pixels.

import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';
import { graveFindings, openPage, shot, type Look } from '../support/browser.ts';
import { eventually } from '../support/eventually.ts';
import { ADMIN_TOKEN, Hub } from '../support/hub.ts';
import { focused, tabTo } from '../support/keyboard.ts';
import { runtimeRecord, snapshot } from '../support/snapshot.ts';
import { WebhookReceiver } from '../support/webhook-receiver.ts';

let hub: Hub;
beforeAll(async () => {
  hub = await Hub.start({ vars: { ARW_ALERT_LOCAL_TARGETS: '1' } });
});
afterAll(() => hub.stop());

async function opened(look: Look = {}) {
  const visit = await openPage(look);
  await visit.page.goto(new URL(`#token=${ADMIN_TOKEN}`, hub.url).href);
  await visit.page.locator('[data-connection=live]').waitFor();
  await visit.page.goto(new URL('#/alerts', hub.url).href);
  await visit.page.getByRole('heading', { level: 1, name: 'Alerts' }).waitFor();
  return visit;
}

test('an alert is set, tried, switched, changed and removed without a mouse', async () => {
  const receiver = await WebhookReceiver.listening();
  const { host } = new URL(receiver.url);
  const { page, errors } = await opened();
  const said = page.locator('p.unseen[role=status]').filter({ has: page.locator('span') });
  await page.getByText('The hub tells nobody yet').waitFor();
  expect(await page.title()).toBe('Alerts · Runtime Matrix');
  expect(await graveFindings(page)).toEqual([]);

  // What is missing is told at its field, which has the focus then.
  await tabTo(page, 'Set an alert');
  await page.keyboard.press('Enter');
  await page.getByRole('dialog').waitFor();
  await tabTo(page, 'Name');
  await page.keyboard.type('ops');
  await page.keyboard.press('Enter');
  await page.getByText('The address of the receiver is missing').waitFor();
  expect(await focused(page)).toBe('Address of its webhook');
  expect(await graveFindings(page)).toEqual([]);
  await page.keyboard.type(receiver.url);
  await page.keyboard.press('Shift+Tab');
  expect(await focused(page)).toBe('Receiver');
  await page.keyboard.type('HTTP');
  await tabTo(page, 'Make a new secret');
  await page.keyboard.press('Enter');
  expect(await page.getByLabel('Signing secret').inputValue()).toMatch(/^whsec_[A-Za-z0-9+/]{43}=$/);
  await tabTo(page, 'Set');
  await page.keyboard.press('Enter');
  await page.locator('dialog').waitFor({ state: 'detached' });
  const card = page.locator('[data-alert=ops]');
  await card.getByText(`HTTP receiver at ${host}`).waitFor();
  expect(await card.textContent()).toContain('Signaturesigned');
  await said.getByText('Alert ops is set').waitFor();
  expect(await focused(page)).toBe('Set an alert');

  await tabTo(page, 'Test ops');
  await page.keyboard.press('Enter');
  await said.getByText(/^ops: The receiver took the test message: it answered 200 within \d+ ms$/).waitFor();
  expect(await focused(page)).toBe('Test ops');
  expect(receiver.received.map(({ headers }) => headers['webhook-signature'])).toEqual([
    expect.stringMatching(/^v1,/),
  ]);
  receiver.orders.push(404);
  await page.keyboard.press('Enter');
  await card.getByText(`The test failed: http://${host} answered 404 (no_such_channel)`).waitFor();
  await said.getByText('answered 404').waitFor();
  expect(await graveFindings(page)).toEqual([]);

  await tabTo(page, 'Switch off ops');
  await page.keyboard.press('Enter');
  await said.getByText('Alert ops is off').waitFor();
  await tabTo(page, 'Change ops');
  await page.keyboard.press('Enter');
  await page.getByRole('dialog', { name: 'Change ops' }).waitFor();
  // Somebody else changes another part of it meanwhile.
  const other = { min_severity: 'error', enabled: false };
  expect((await hub.ask('/alerts/ops', { method: 'PUT', body: other })).status).toBe(200);
  await tabTo(page, 'Grace in seconds');
  await page.keyboard.press('Control+A');
  await page.keyboard.type('5');
  await page.keyboard.press('Enter');
  await said.getByText('Alert ops is changed').waitFor();
  await page.locator('dialog').waitFor({ state: 'detached' });
  expect(await focused(page)).toBe('Change ops');
  // What was not touched stays: the switch, the secret, the address, and what somebody else changed.
  const kept = await (await hub.ask('/alerts/ops')).json();
  expect(kept).toMatchObject({
    enabled: false,
    signed: true,
    grace_seconds: 5,
    min_severity: 'error',
    target: `http://${host}`,
  });

  await tabTo(page, 'Remove ops');
  await page.keyboard.press('Enter');
  await page.getByRole('dialog', { name: 'Remove ops' }).waitFor();
  await page.keyboard.press('Escape');
  await page.locator('dialog').waitFor({ state: 'detached' });
  expect(await focused(page)).toBe('Remove ops');
  await page.keyboard.press('Enter');
  await page.getByRole('dialog').waitFor();
  await tabTo(page, 'Remove');
  await page.keyboard.press('Enter');
  await said.getByText('Alert ops is removed').waitFor();
  expect(await focused(page)).toBe('Set an alert');
  await page.getByText('The hub tells nobody yet').waitFor();
  expect((await hub.ask('/alerts/ops')).status).toBe(404);
  expect(await page.content()).not.toContain('a-secret-path');
  expect(errors).toEqual([]);
});

test.each([
  ['light', 1280],
  ['dark', 1280],
  ['light', 320],
  ['dark', 320],
] as const)('problems and failures are seen as they are, %s, %i pixels', async (theme, width) => {
  const receiver = await WebhookReceiver.listening();
  const away = await WebhookReceiver.listening();
  const node = `gpu-${theme}-${width}`;
  const { token } = await hub.enroll(node);
  // Also where it fails: the next test begins with none.
  onTestFinished(async () => {
    for (const id of ['ops', 'pager', 'quiet']) await hub.ask(`/alerts/${id}`, { method: 'DELETE' });
  });
  const more = { grace_seconds: 0, nodes: [node] };
  await hub.ask('/alerts/ops', { method: 'PUT', body: { url: receiver.url, ...more } });
  away.orders.push(410);
  await hub.ask('/alerts/pager', { method: 'PUT', body: { url: away.url, shape: 'slack', ...more } });
  await hub.ask('/alerts/quiet', {
    method: 'PUT',
    body: {
      url: receiver.url,
      shape: 'discord',
      enabled: false,
      kinds: ['node.stale'],
      min_severity: 'error',
    },
  });
  const { page, errors } = await opened({ theme, width, height: 900 });
  const ops = page.locator('[data-alert=ops]');
  await ops.getByText('Nothing: no problem is told').waitFor();

  const say = async (state: 'error' | 'ready', seq: number): Promise<void> => {
    const told = snapshot({ node, seq, runtimes: [runtimeRecord({ state })] });
    expect((await hub.post(node, token, told)).status).toBe(200);
  };
  const said = page.locator('p.unseen[role=status]').filter({ has: page.locator('span') });
  await say('error', 1);
  await ops.getByText(`${node}/llama.70b: Error`).waitFor();
  await said.getByText(`PROBLEM ${node}/llama.70b: Error`).waitFor();
  await ops.getByText('1 delivered').waitFor();
  const pager = page.locator('[data-alert=pager]');
  await pager.getByText('1 dropped').waitFor();
  await pager.getByText('On, not delivered').waitFor();
  expect(await graveFindings(page)).toEqual([]);
  const over = await page.evaluate(() => {
    const { scrollWidth, clientWidth } = document.documentElement;
    return scrollWidth - clientWidth;
  });
  expect(over).toBe(0);
  await shot(page, `alerts-${theme}-${width}`);
  await page.getByRole('button', { name: 'Change ops' }).click();
  await page.getByRole('dialog').waitFor();
  expect(await graveFindings(page)).toEqual([]);
  await shot(page, `alert-dialog-${theme}-${width}`);
  await page.keyboard.press('Escape');

  await say('ready', 2);
  await ops.getByText('Nothing: no problem is told').waitFor();
  await eventually('its end', () => receiver.received.some(({ body }) => body.includes('RESOLVED')));

  // One alert has an address of its own.
  await page.getByRole('link', { name: 'pager' }).click();
  await page.getByRole('heading', { level: 1, name: 'pager' }).waitFor();
  expect(await page.locator('[data-alert]').count()).toBe(1);
  expect(errors).toEqual([]);
});

test('where the alerts cannot be read it is said, with a way to try again', async () => {
  const { page } = await opened();
  await page.getByText('The hub tells nobody yet').waitFor();
  await page.route('**/alerts', (way) => way.abort());
  await page.goto(new URL('#/nodes', hub.url).href);
  await page.getByRole('heading', { level: 1, name: 'Nodes' }).waitFor();
  await page.goto(new URL('#/alerts', hub.url).href);
  await page.getByRole('alert').getByText('The alerts cannot be read.').waitFor();
  expect(await graveFindings(page)).toEqual([]);
  await page.unroute('**/alerts');
  await page.getByRole('button', { name: 'Try again' }).click();
  await page.getByText('The alerts cannot be read.').waitFor({ state: 'detached' });
});
