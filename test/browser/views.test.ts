// What people do in the dashboard's views, in a real browser with a real hub, reporter and supervised engines: by keyboard
// alone, with what a screen reader is told, and with nothing that axe finds serious.

import type { Locator, Page } from 'playwright-core';
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';
import { graveFindings, openPage, shot, type Look } from '../support/browser.ts';
import { eventually } from '../support/eventually.ts';
import { StubFleet } from '../support/stub-fleet.ts';

const MAIN = 'llama.main';
/** Its budget is one restart. */
const SPENT = 'llama.spent';
/** It has no restart: its crash, and so its reason, stays until somebody restores it. */
const CRASHING = 'llama.crashing';
/** It has a preset to switch to. */
const ACTED_ON = 'llama.acted-on';

let stub: StubFleet;

beforeAll(async () => {
  stub = await StubFleet.ready({
    [MAIN]: { max: 3, window_seconds: 600 },
    [SPENT]: { max: 1, window_seconds: 600 },
    [CRASHING]: { max: 0, window_seconds: 600 },
    [ACTED_ON]: { max: 3, window_seconds: 600, presets: ['long'] },
  });
});

afterAll(async () => {
  await stub.stop();
});

/** Signed in and at `hash`. What the page complains of fails the test. */
async function open(hash: string, look: Look = {}): Promise<Page> {
  const { page, errors } = await openPage(look);
  onTestFinished(() => expect(errors).toEqual([]));
  await page.goto(`${stub.fleet.hubUrl}/#token=${encodeURIComponent(stub.fleet.adminToken)}`);
  await page.locator('[data-connection=live]').waitFor();
  await goTo(page, hash);
  return page;
}

async function goTo(page: Page, hash: string): Promise<void> {
  await page.evaluate((to) => {
    location.hash = to;
  }, hash);
}

async function hashOf(page: Page): Promise<string> {
  return page.evaluate(() => location.hash);
}

/** The words of what has the focus. */
async function focused(page: Page): Promise<string> {
  return page.evaluate(() => document.activeElement?.textContent ?? '');
}

async function pageWidth(page: Page): Promise<number> {
  return page.evaluate(() => document.documentElement.scrollWidth);
}

function actOn(page: Page, runtime: string): Locator {
  return page.getByRole('button', { name: `Act on local/${runtime}` });
}

test('restore by the keyboard alone: menu, question with its cost, progress, result, and the focus comes back', async () => {
  const page = await open('#/nodes/local');
  await actOn(page, MAIN).focus();

  await page.keyboard.press('Enter');
  await page.getByRole('menu').waitFor();
  await eventually('the first act has the focus', async () => (await focused(page)) === 'Restore…');
  await page.keyboard.press('End');
  expect(await focused(page)).toBe('Open log');
  await page.keyboard.press('r');
  expect(await focused(page)).toBe('Restore…');
  await page.keyboard.press('Enter');

  const dialog = page.getByRole('dialog', { name: 'Restore' });
  await dialog.getByText('It spends 1 restart: 2 of 3 will be left.').waitFor();
  expect(await focused(page)).toBe('Cancel');
  await page.keyboard.press('Tab');
  await page.keyboard.press('Enter');

  const words = `Restore of local/${MAIN} completed: now Ready`;
  await page.getByRole('region', { name: 'Acts' }).locator('p').getByText(words).waitFor();
  await page.getByRole('status').getByText(words).waitFor();
  expect(await focused(page)).toBe(`Act on local/${MAIN}`);
  const { restart_budget: budget } = await stub.statusWhere(MAIN, ({ restarts_total: total }) => total === 1);
  expect(budget).toMatchObject({ used: 1, remaining: 2 });
});

test('Escape leaves the menu and the question without an act, and gives the focus back', async () => {
  const page = await open('#/nodes/local');
  await actOn(page, MAIN).focus();
  await page.keyboard.press('Enter');
  await eventually('the first act has the focus', async () => (await focused(page)) === 'Restore…');
  await page.keyboard.press('Escape');
  await page.getByRole('menu').waitFor({ state: 'hidden' });
  expect(await focused(page)).toBe(`Act on local/${MAIN}`);

  await page.keyboard.press('Enter');
  await eventually('the first act has the focus', async () => (await focused(page)) === 'Restore…');
  await page.keyboard.press('Enter');
  await page.getByRole('dialog').waitFor();
  await page.keyboard.press('Escape');
  await page.getByRole('dialog').waitFor({ state: 'hidden' });
  expect(await focused(page)).toBe(`Act on local/${MAIN}`);
  expect(await page.getByRole('region', { name: 'Acts' }).count()).toBe(0);
});

test('an exhausted budget is told with its reset, and may be forced', async () => {
  await stub.ask('POST', `orchestrator/runtimes/local%2F${SPENT}/restore`, {});
  await stub.statusWhere(
    SPENT,
    ({ state, restart_budget: budget }) => state === 'ready' && budget?.remaining === 0,
  );
  const page = await open('#/nodes/local');
  await actOn(page, SPENT).click();
  await page.getByRole('menuitem', { name: 'Restore' }).click();

  const dialog = page.getByRole('dialog', { name: 'Restore' });
  await dialog.getByText(/The only restart is spent until \d\d:\d\d: wait, or force it\./).waitFor();
  const confirm = dialog.getByRole('button', { name: 'Restore' });
  expect(await confirm.getAttribute('aria-disabled')).toBe('true');
  await dialog.getByRole('checkbox', { name: 'Force it' }).check();
  await confirm.click();

  await page.getByText(`Restore of local/${SPENT} completed: now Ready`).first().waitFor();
  await stub.statusWhere(SPENT, ({ restart_budget: budget }) => budget?.used === 2);
});

test('a refusal of the hub is told in the question: 429 with its reset, then forced', async () => {
  const page = await open('#/nodes/local');
  // As where another operator spent the last restart since the page heard of the budget.
  const resetAt = new Date(Date.now() + 300_000).toISOString();
  const budget = { window_seconds: 600, max_restarts: 3, used: 3, remaining: 0, reset_at: resetAt };
  await page.route('**/orchestrator/runtimes/**', (route) =>
    route.fulfill({
      status: 429,
      contentType: 'application/problem+json',
      body: JSON.stringify({
        ok: false,
        pending: false,
        node: 'local',
        runtime_id: MAIN,
        job_id: 'local:1',
        reason: 'Restart budget exhausted',
        restart_budget: budget,
        type: 'urn:runtime-matrix:problem:budget-exhausted',
        title: 'The restart budget is exhausted',
        status: 429,
        detail: 'All 3 restarts are spent',
      }),
    }),
  );
  await actOn(page, MAIN).click();
  await page.getByRole('menuitem', { name: 'Restore' }).click();
  const dialog = page.getByRole('dialog', { name: 'Restore' });
  await dialog.getByRole('button', { name: 'Restore' }).click();

  await dialog
    .getByRole('alert')
    .getByText(/refused: All 3 restarts are spent until \d\d:\d\d/)
    .waitFor();
  expect(await dialog.getByRole('checkbox', { name: 'Force it' }).isVisible()).toBe(true);
});

/** Every request of an act waits until `fail` is called; then none of them reaches the hub. */
async function holdActs(page: Page): Promise<{ sent: Promise<void>; fail: () => Promise<void> }> {
  const held: (() => Promise<void>)[] = [];
  const first = Promise.withResolvers<void>();
  let isFailing = false;
  await page.route('**/orchestrator/runtimes/*/restore', async (route) => {
    first.resolve();
    if (isFailing) return route.abort();
    held.push(() => route.abort());
  });
  const fail = async (): Promise<void> => {
    isFailing = true;
    for (const abort of held) await abort();
  };
  return { sent: first.promise, fail };
}

test('what is sent cannot be cancelled: the question stays until there is an answer, and tells a refusal', async () => {
  const page = await open('#/nodes/local');
  const { sent, fail } = await holdActs(page);
  await actOn(page, MAIN).click();
  await page.getByRole('menuitem', { name: 'Restore' }).click();
  const dialog = page.getByRole('dialog', { name: 'Restore' });
  await dialog.getByRole('button', { name: 'Restore' }).click();
  await sent;

  const cancel = dialog.getByRole('button', { name: 'Cancel' });
  expect(await cancel.getAttribute('aria-disabled')).toBe('true');
  // It is there for whoever tries all the same.
  await cancel.click({ force: true });
  await page.keyboard.press('Escape');
  expect(await dialog.isVisible()).toBe(true);
  await fail();
  await dialog.getByRole('alert').getByText('refused: the hub cannot be reached').waitFor();
  expect(await cancel.getAttribute('aria-disabled')).toBe('false');
  await cancel.click();
  await dialog.waitFor({ state: 'hidden' });
});

test('a refusal is told in the tray where the browser closed the question; put away, the focus stays on the page', async () => {
  const page = await open('#/nodes/local');
  const { sent, fail } = await holdActs(page);
  await actOn(page, MAIN).click();
  await page.getByRole('menuitem', { name: 'Restore' }).click();
  const dialog = page.getByRole('dialog', { name: 'Restore' });
  await dialog.getByRole('button', { name: 'Restore' }).click();
  await sent;
  // What a browser does at a second Escape.
  await dialog.evaluate((element) => element instanceof HTMLDialogElement && element.close());
  await dialog.waitFor({ state: 'hidden' });
  await fail();

  const words = `Restore of local/${MAIN} refused: the hub cannot be reached`;
  const tray = page.getByRole('region', { name: 'Acts' });
  await tray.locator('p').getByText(words).waitFor();
  await page.getByRole('status').getByText(words).waitFor();
  await tray.getByRole('button', { name: 'Put away' }).click();
  await tray.waitFor({ state: 'hidden' });
  expect(await page.evaluate(() => document.activeElement?.id)).toBe('main');
});

/** Asks for an act and confirms it, and waits until its end is told. */
async function act(page: Page, label: string): Promise<void> {
  await actOn(page, ACTED_ON).click();
  await page.getByRole('menuitem', { name: `${label}…`, exact: true }).click();
  const dialog = page.getByRole('dialog', { name: label });
  await dialog.getByRole('button', { name: label }).click();
  const tray = page.getByRole('region', { name: 'Acts' });
  await tray.locator('p').getByText(`${label} of local/${ACTED_ON} completed`).waitFor();
  await tray.getByRole('button', { name: 'Put away' }).click();
}

test('drain, undrain, shut down and start are followed to their ends, and what follows is seen', async () => {
  const page = await open('#/nodes/local');
  const shown = page.locator(`[data-runtime="${ACTED_ON}"]`);
  await act(page, 'Drain');
  await shown.getByText('Ready, draining').waitFor();
  await act(page, 'Undrain');
  await shown.getByText('Ready', { exact: true }).waitFor();
  await act(page, 'Shut down');
  await shown.getByText('Offline', { exact: true }).first().waitFor();
  // While it stops it is offline too.
  const stopped = await stub.statusWhere(ACTED_ON, ({ summary }) => summary === 'Stopped');
  expect(stopped.state).toBe('offline');
  expect(stopped.pid).toBeUndefined();
  await act(page, 'Start');
  await shown.getByText('Ready', { exact: true }).waitFor();
});

test('a switch to a preset is followed to its end', async () => {
  const page = await open('#/nodes/local');
  const before = await stub.statusWhere(ACTED_ON, ({ state }) => state === 'ready');
  await actOn(page, ACTED_ON).click();
  await page.getByRole('menuitem', { name: 'Switch preset or sandbox' }).click();
  const dialog = page.getByRole('dialog', { name: 'Switch preset or sandbox' });
  await dialog.getByLabel('Preset').selectOption('long');
  await dialog.getByRole('button', { name: 'Switch preset or sandbox' }).click();
  const words = `Switch preset or sandbox of local/${ACTED_ON} completed`;
  await page.getByRole('region', { name: 'Acts' }).locator('p').getByText(words).waitFor();
  const after = await stub.statusWhere(ACTED_ON, ({ state, pid }) => state === 'ready' && pid !== before.pid);
  expect(after.pid).toBeDefined();
  await page.locator(`[data-runtime="${ACTED_ON}"]`).getByText('Presetlong').waitFor();
});

test('signing out is not said while the hub was not told; the session is still there', async () => {
  const page = await open('#/nodes');
  await page.route('**/session', (route) => route.abort());
  await page.getByRole('button', { name: 'Sign out' }).click();
  await page.getByRole('alert').getByText('Not signed out: the hub does not answer.').waitFor();
  expect(await graveFindings(page)).toEqual([]);
  await page.unroute('**/session');
  await page.getByRole('button', { name: 'Sign out' }).click();
  await page.getByLabel('Admin token').waitFor();
});

test.each([320, 1280])('what has the focus is not under the log, %d pixels', async (width) => {
  const page = await open(`#/nodes/local?logs=local%2F${MAIN}`, { width, height: 640 });
  const drawer = page.getByRole('region', { name: `Log of local/${MAIN}` });
  await drawer.getByText('Following').waitFor();
  await actOn(page, CRASHING).waitFor();
  const drawerTop = (await drawer.boundingBox())?.y ?? 0;
  for (const button of await page
    .locator('main')
    .getByRole('button', { name: /^Act on/ })
    .all()) {
    await button.evaluate((element) => {
      scrollTo(0, 0);
      element.focus();
    });
    const { y, height } = (await button.boundingBox()) ?? { y: Infinity, height: 0 };
    expect(y + height).toBeLessThanOrEqual(drawerTop);
  }
});

test('the log drawer follows, waits while somebody reads further up, and gives the focus back', async () => {
  const page = await open('#/nodes/local');
  await actOn(page, MAIN).click();
  await page.getByRole('menuitem', { name: 'Open log' }).click();
  const lines = page.getByRole('log');
  const drawer = page.getByRole('region', { name: `Log of local/${MAIN}` });
  await drawer.getByText('Following').waitFor();
  const count = async (): Promise<number> => lines.locator('p.line').count();
  // All of it: it may come in several parts.
  const before = await stub.lines(MAIN);
  await eventually('the tail is there', async () => (await count()) === before);

  // More than fits, so that there is something to scroll up to.
  await stub.write(MAIN, 60);
  await eventually('it follows', async () => (await count()) === before + 60);
  const below = await lines.evaluate((box) => box.scrollHeight - box.clientHeight - box.scrollTop);
  expect(below).toBeLessThan(2);

  await lines.evaluate((box) => box.scrollTo(0, 0));
  await drawer.getByText('Paused while you read further up').waitFor();
  await stub.write(MAIN, 3);
  await drawer.getByRole('button', { name: '3 new lines – follow again' }).click();
  await drawer.getByText('Following').waitFor();
  expect(await count()).toBe(before + 63);
  expect(await hashOf(page)).toBe(`#/nodes/local?logs=local%2F${MAIN}`);

  await lines.focus();
  await page.keyboard.press('Escape');
  await drawer.waitFor({ state: 'hidden' });
  expect(await hashOf(page)).toBe('#/nodes/local');
  expect(await focused(page)).toBe(`Act on local/${MAIN}`);
});

test('the feed shows a crash and the way back, as sentences', async () => {
  const page = await open('#/events');
  await page.getByRole('heading', { name: 'Events' }).waitFor();
  const restored = async (): Promise<void> => {
    const path = `orchestrator/runtimes/local%2F${CRASHING}/restore`;
    expect((await stub.ask('POST', path, { force: true })).status).toBe(202);
  };
  await stub.kill(CRASHING);

  const rows = page.getByRole('listitem');
  await rows
    .getByText(new RegExp(`local/${CRASHING} went from Ready to Error: .*SIGKILL`))
    .first()
    .waitFor();
  await restored();
  await rows.getByText(`local/${CRASHING} went from Error to Starting`).first().waitFor();
  await rows.getByText(`local/${CRASHING} went from Starting to Ready`).first().waitFor();

  await page.getByRole('searchbox').fill(`${CRASHING} SIGKILL`);
  await page.getByText(/^\d+ events?$/).waitFor();
  for (const text of await rows.locator('p').allTextContents()) expect(text).toContain('SIGKILL');

  await page.getByRole('searchbox').fill('');
  await page.getByRole('button', { name: 'Pause' }).click();
  await stub.kill(CRASHING);
  await page.getByText(/^Paused; [1-9]\d* events? since$/).waitFor();
  // What somebody asked for is announced; what comes by itself is not.
  await page
    .locator('.tools')
    .getByRole('status')
    .getByText(/^\d+ events? shown, paused$/)
    .waitFor();
  // The next test finds it as it was.
  await stub.statusWhere(CRASHING, ({ state }) => state === 'error');
  await restored();
  await stub.statusWhere(CRASHING, ({ state, restarts_total: total }) => state === 'ready' && total === 2);
});

test('a cell of the grid leads to its runtimes, by an address that can be kept', async () => {
  const page = await open('#/grid');
  const cell = page.getByRole('table').getByRole('link', { name: /Ready/ });
  await cell.click();
  await page.getByRole('heading', { name: 'tiny-stub' }).or(page.locator('#cell-title')).first().waitFor();
  expect(await page.evaluate(() => document.activeElement?.id)).toBe('cell-title');
  await eventually('all of the cell', async () => (await page.locator('[data-runtime]').count()) === 4);

  const address = page.url();
  await page.goto('about:blank');
  await page.goto(address);
  await page.locator('[data-runtime]').first().waitFor();
  await page.getByRole('link', { name: 'Close the runtimes of this cell' }).click();
  await eventually('the heading has the focus', async () => (await focused(page)) === 'Grid');
});

test.each([
  { theme: 'light', width: 1280 },
  { theme: 'dark', width: 1280 },
  { theme: 'light', width: 320 },
  { theme: 'dark', width: 320 },
] as const)('axe finds nothing serious, $theme, $width pixels', async ({ theme, width }) => {
  const page = await open('#/grid', { theme, width });
  await page.getByRole('table').getByRole('link').first().click();
  await page.locator('[data-runtime]').first().waitFor();
  expect(await graveFindings(page)).toEqual([]);
  expect(await pageWidth(page)).toBeLessThanOrEqual(width);

  await actOn(page, SPENT).click();
  await page.getByRole('menuitem').first().waitFor();
  expect(await graveFindings(page)).toEqual([]);
  await page.getByRole('menuitem', { name: 'Restore' }).click();
  await page.getByRole('dialog').waitFor();
  expect(await graveFindings(page)).toEqual([]);
  await shot(page, `question-${theme}-${width}`);
  await page.keyboard.press('Escape');

  await goTo(page, `#/events?logs=local%2F${MAIN}`);
  await page.getByRole('log').locator('p.line').first().waitFor();
  await page.getByRole('list').locator('.event').first().waitFor();
  expect(await graveFindings(page)).toEqual([]);
  await shot(page, `events-and-log-${theme}-${width}`);
  expect(await pageWidth(page)).toBeLessThanOrEqual(width);
});
