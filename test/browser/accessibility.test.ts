// The dashboard for everybody: axe on every view in both themes, the keyboard alone, 320 pixels, and still pictures.

import type { Page } from 'playwright-core';
import { expect, test } from 'vitest';
import { ServedHub } from '../support/served-hub.ts';
import { graveFindings, openPage, shot } from '../support/browser.ts';
import { focused, tabTo } from '../support/keyboard.ts';
import { emptyBudget, runtimeRecord, snapshot } from '../support/snapshot.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

const TOKEN = 'browser-test-token';

/** The address of each, and its heading. */
const VIEWS = {
  grid: ['#/grid', 'Grid'],
  nodes: ['#/nodes', 'Nodes'],
  node: ['#/nodes/gpu-02', 'gpu-02'],
  events: ['#/events', 'Events'],
  alerts: ['#/alerts', 'Alerts'],
} as const;

/** A hub that knows three nodes: well, degraded, failed. */
async function servedFleet(): Promise<ServedHub> {
  const hub = await ServedHub.ready(await temporaryFolder(), [], { ARW_ADMIN_TOKEN: TOKEN });
  const reset = new Date(Date.now() + 600_000).toISOString();
  const nodes = {
    'gpu-01': [runtimeRecord()],
    'gpu-02': [runtimeRecord({ state: 'degraded' }), runtimeRecord({ id: 'embed', state: 'starting' })],
    'edge-07': [runtimeRecord({ state: 'error', budget: emptyBudget(reset) })],
  };
  for (const [node, runtimes] of Object.entries(nodes)) {
    const made = await hub.ask('POST', '/join-tokens', { token: TOKEN, body: {} });
    const { join_token } = Object(await made.json());
    const enrolled = await hub.ask('POST', '/nodes/enroll', { token: TOKEN, body: { join_token, node } });
    const { token } = Object(await enrolled.json());
    await hub.ask('POST', `/nodes/${node}/health`, { token, body: snapshot({ node, runtimes }) });
  }
  return hub;
}

async function signIn(page: Page, hub: ServedHub): Promise<void> {
  await page.goto(`${hub.url}/#token=${TOKEN}`);
  await page.locator('[data-connection=live]').waitFor();
}

/** Drawn, in place of the view before. */
async function heading(page: Page, name: string): Promise<void> {
  await page.getByRole('heading', { level: 1, name, exact: true }).waitFor();
}

test.each(['light', 'dark'] as const)('axe finds nothing serious in any view, %s', async (theme) => {
  const hub = await servedFleet();
  const { page, errors } = await openPage({ theme });
  await page.goto(hub.url);
  await page.getByLabel('Admin token').waitFor();
  expect(await graveFindings(page)).toEqual([]);
  await shot(page, `sign-in-${theme}`);

  await signIn(page, hub);
  for (const [name, [hash, title]] of Object.entries(VIEWS)) {
    await page.goto(`${hub.url}/${hash}`);
    await heading(page, title);
    expect([name, await graveFindings(page)]).toEqual([name, []]);
    await shot(page, `${name}-${theme}`);
  }
  expect(errors).toEqual([]);
});

test.each([
  { theme: 'light', width: 1280 },
  { theme: 'dark', width: 320 },
] as const)('axe finds nothing serious in the page of the API, $theme, $width pixels', async (look) => {
  const hub = await ServedHub.ready(await temporaryFolder(), [], { ARW_ADMIN_TOKEN: TOKEN });
  const { page, errors } = await openPage(look);
  await page.goto(`${hub.url}/docs`);
  await page.getByRole('heading', { level: 1 }).waitFor();
  expect(await graveFindings(page)).toEqual([]);
  expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(look.width);
  await shot(page, `api-${look.theme}-${look.width}`);
  expect(errors).toEqual([]);
});

test('every view fits into 320 pixels', async () => {
  const hub = await servedFleet();
  const { page } = await openPage({ width: 320, height: 640 });
  await signIn(page, hub);
  for (const [name, [hash, title]] of Object.entries(VIEWS)) {
    await page.goto(`${hub.url}/${hash}`);
    await heading(page, title);
    const over = await page.evaluate(() => {
      const { scrollWidth, clientWidth } = document.documentElement;
      return scrollWidth - clientWidth;
    });
    expect([name, over]).toEqual([name, 0]);
    await shot(page, `${name}-320`);
  }
});

test('signing in, finding a node and reading its page take no mouse', async () => {
  const hub = await servedFleet();
  const { page } = await openPage();
  await page.goto(hub.url);
  await page.getByLabel('Admin token').waitFor();

  // The field has the focus: a wrong token is said and can be typed over.
  await page.keyboard.type('wrong');
  await page.keyboard.press('Enter');
  await page
    .getByRole('alert')
    .getByText(/does not know this token/)
    .waitFor();
  await page.keyboard.type(TOKEN);
  await page.keyboard.press('Enter');
  await page.locator('[data-connection=live]').waitFor();

  await page.keyboard.press('Tab');
  expect(await focused(page)).toBe('Skip to content');
  await tabTo(page, 'Nodes');
  await page.keyboard.press('Enter');
  await heading(page, 'Nodes');
  await tabTo(page, 'Search nodes');
  await page.keyboard.type('degraded embed');
  await page.getByText('1 of 3 nodes').waitFor();
  await tabTo(page, 'gpu-02');
  const outline = await page
    .getByRole('link', { name: 'gpu-02' })
    .evaluate((link) => getComputedStyle(link).outlineStyle);
  expect(outline).toBe('solid');
  await page.keyboard.press('Enter');
  await heading(page, 'gpu-02');
  expect(page.url()).toBe(`${hub.url}/#/nodes/gpu-02`);
  expect(await page.title()).toBe('gpu-02 · Runtime Matrix');
});

test('an empty fleet says how the first node comes, and makes its command', async () => {
  const hub = await ServedHub.ready(await temporaryFolder(), [], { ARW_ADMIN_TOKEN: TOKEN });
  const { page, errors } = await openPage();
  await signIn(page, hub);
  await page.goto(`${hub.url}/#/nodes`);

  await page.getByRole('button', { name: 'Make a join token' }).click();
  await page.getByText(/^It works once, until/).waitFor();
  expect(await page.locator('pre').textContent()).toMatch(
    new RegExp(`ARW_JOIN_TOKEN=arwj_\\S+ arw-reporter run --hub ${hub.url}$`, 'm'),
  );
  expect(await graveFindings(page)).toEqual([]);
  expect(errors).toEqual([]);
});

test('the theme is chosen and kept; who wants no motion sees none', async () => {
  const hub = await servedFleet();
  const { page } = await openPage({ theme: 'light' });
  await page.emulateMedia({ reducedMotion: 'reduce', colorScheme: 'light' });
  await signIn(page, hub);
  const ground = (): Promise<string> =>
    page.evaluate(() => getComputedStyle(document.documentElement).backgroundColor);
  const light = await ground();
  const button = page.getByRole('button', { name: /^Theme:/ });
  await button.click();
  await button.click();
  expect(await button.textContent()).toContain('Dark');
  expect(await ground()).not.toBe(light);
  await page.reload();
  await page.locator('[data-connection=live]').waitFor();
  expect(await ground()).not.toBe(light);
  expect(await page.evaluate(() => document.getAnimations().length)).toBe(0);
});
