// What people do on the dashboard, by keyboard alone, to a real runtime: a restore to its end, and its log.

import { expect, test } from 'vitest';
import { ADMIN_TOKEN, Fleet, NODE, RUNTIME } from '../support/fleet.ts';
import { graveFindings, openPage, shot } from '../support/browser.ts';
import { focused, tabTo } from '../support/keyboard.ts';

const MENU = `Act on ${NODE}/${RUNTIME}`;

test('a restore and a look at the log take no mouse', async () => {
  const fleet = await Fleet.ready();
  const { page, errors } = await openPage({ theme: 'dark' });
  await page.goto(`${fleet.hubUrl}/#token=${ADMIN_TOKEN}`);
  await page.locator('[data-connection=live]').waitFor();
  await page.goto(`${fleet.hubUrl}/#/nodes/${NODE}`);
  await page.getByRole('button', { name: MENU }).waitFor();
  const before = await fleet.status();

  await tabTo(page, MENU);
  await page.keyboard.press('Enter');
  // The menu takes the focus with the frame that draws it.
  const chosen = page.locator('[role=menuitem]:focus');
  await chosen.waitFor();
  await page.keyboard.press('r');
  expect(await focused(page)).toMatch(/^Restore/);
  await page.keyboard.press('Enter');
  const dialog = page.getByRole('dialog');
  await dialog.waitFor();
  // What it costs is said before it is done.
  expect(await dialog.textContent()).toMatch(/restart/i);
  expect(await graveFindings(page)).toEqual([]);
  await shot(page, 'restore-dialog');
  await tabTo(page, 'Restore');
  await page.keyboard.press('Enter');

  await page.locator('.tray').getByText('Done').waitFor({ timeout: 30_000 });
  const after = await fleet.statusWhere(({ state, pid }) => state === 'ready' && pid !== before?.pid);
  expect(after.restart_budget).toMatchObject({ used: 1, remaining: 2 });
  await page.locator('.badge').getByText('Runtime: 1/1 ready · 2 restarts left').waitFor();
  expect(await graveFindings(page)).toEqual([]);
  await shot(page, 'restored');
  // The focus is back where it was begun.
  expect(await focused(page)).toBe(MENU);

  await page.keyboard.press('Enter');
  await chosen.waitFor();
  await page.keyboard.press('o');
  await chosen.getByText('Open log').waitFor();
  await page.keyboard.press('Enter');
  await page.getByRole('heading', { name: `Log of ${NODE}/${RUNTIME}` }).waitFor();
  await page
    .getByRole('log')
    .getByText(/listening|model loaded/i)
    .first()
    .waitFor();
  expect(page.url()).toContain(`logs=${encodeURIComponent(`${NODE}/${RUNTIME}`)}`);
  expect(await graveFindings(page)).toEqual([]);
  await shot(page, 'log');
  await page.keyboard.press('Escape');
  await page.getByRole('log').waitFor({ state: 'detached' });

  // Both are told in the feed.
  await page.goto(`${fleet.hubUrl}/#/events`);
  await page
    .locator('.event')
    .getByText(/restore/i)
    .first()
    .waitFor();
  await shot(page, 'events-after-restore');
  expect(errors).toEqual([]);
});
