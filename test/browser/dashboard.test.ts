// The dashboard as people use it: a real Chromium, the hub and the reporter as processes, a real llama-server.

import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import type { Page } from 'playwright-core';
import { ADMIN_TOKEN, Fleet, NODE } from '../support/fleet.ts';
import { graveFindings, openPage, shot } from '../support/browser.ts';
import { SocketReader } from '../support/event-reader.ts';
import { eventually } from '../support/eventually.ts';

/** What the page may lag behind what the hub was told. */
const LIVE_WITHIN_MS = 1000;
/** The longest wait between two tries, and the try. */
const BACK_WITHIN_MS = 30_000;
/** A node's TTL of 10 s, and what it takes to be told and shown. */
const SILENT_WITHIN_MS = 30_000;

async function showNodes(page: Page, fleet: Fleet): Promise<void> {
  await page.goto(`${fleet.hubUrl}/#token=${ADMIN_TOKEN}`);
  await page.locator('[data-connection=live]').waitFor();
  await page.getByRole('link', { name: 'Nodes', exact: true }).click();
  await page.locator(`[data-node="${NODE}"]`).waitFor();
}

/** From now on the page keeps which words stood at the runtime, and when. */
async function watchWords(page: Page): Promise<void> {
  await page.evaluate(() => {
    const seen: { word: string; atMs: number }[] = [];
    const note = (): void => {
      const word = document.querySelector('.node .chip-word')?.textContent ?? '';
      if (word !== seen.at(-1)?.word) seen.push({ word, atMs: Date.now() });
    };
    note();
    new MutationObserver(note).observe(document.body, {
      childList: true,
      subtree: true,
      characterData: true,
    });
    Object.assign(globalThis, { seen });
  });
}

type Seen = { word: string; atMs: number };

async function seenWords(page: Page): Promise<Seen[]> {
  return page.evaluate(() => Object(globalThis).seen);
}

test('a link signs in and leaves no token behind; a crash and its recovery are shown within a second', async () => {
  // It starts when the test says so: one that is back within a patch's 250 ms is told as no change at all.
  const fleet = await Fleet.prepare({ wrapper: true });
  const go = join(fleet.directory, 'go');
  await writeFile(go, '');
  await fleet.writeWrapper(`while [ ! -e '${go}' ]; do sleep 0.05; done; exec "$LLAMA_SERVER" "$@"`);
  await fleet.startHub();
  await fleet.startReporter();
  await fleet.statusWhere((status) => status.state === 'ready');
  const { page, errors } = await openPage();
  await showNodes(page, fleet);

  expect(page.url()).toBe(`${fleet.hubUrl}/#/nodes`);
  expect(
    await page.evaluate(() => JSON.stringify([localStorage, sessionStorage, document.cookie])),
  ).not.toContain(ADMIN_TOKEN);
  const badge = page.locator('.badge');
  expect(await badge.textContent()).toBe('Runtime: 1/1 ready · 3 restarts left');
  expect(await badge.getAttribute('title')).toBe('Tiny Llama on gpu-01: Ready, 3 of 3 restarts left');
  await shot(page, 'first-load');

  // What has the focus keeps it, whatever is drawn again.
  await page.getByRole('link', { name: NODE, exact: true }).focus();
  await watchWords(page);
  const events = await SocketReader.open(new URL(fleet.hubUrl), {
    query: '?prefix=runtime.state.',
    token: ADMIN_TOKEN,
  });
  const pid = (await fleet.status())?.pid ?? 0;
  await rm(go);
  const killedMs = Date.now();
  process.kill(pid, 'SIGKILL');
  await eventually('the page shows that it starts again', async () => {
    return (await seenWords(page)).some(({ word }) => word === 'Starting');
  });
  await writeFile(go, '');
  await fleet.statusWhere((status) => status.state === 'ready' && status.restarts_total === 1);
  const words = await eventually('the page shows that it is ready again', async () => {
    const seen = await seenWords(page);
    return seen.length > 1 && seen.at(-1)?.word === 'Ready' && seen;
  });

  expect(words.slice(1, -1).map(({ word }) => word)).toContain('Starting');
  expect((words[1]?.atMs ?? 0) - killedMs).toBeLessThan(LIVE_WITHIN_MS);
  const readyAgain = await eventually('the hub told that it is ready again', () =>
    events
      .of('runtime.state.changed')
      .find(({ time, payload }) => payload['to'] === 'ready' && Date.parse(time) > killedMs),
  );
  expect((words.at(-1)?.atMs ?? 0) - Date.parse(readyAgain.time)).toBeLessThan(LIVE_WITHIN_MS);
  expect(await page.evaluate(() => document.activeElement?.textContent)).toBe(NODE);

  // Said once it rests, and as one change.
  const spoken = page.locator('.state > [role=status].unseen');
  await eventually('the change is announced', async () =>
    (await spoken.textContent())?.startsWith('Runtime: 1/1 ready · 2 restarts left · resets '),
  );
  expect(errors).toEqual([]);
});

test('a node that falls silent is offline at its time, and what it said is not shown as now', async () => {
  const fleet = await Fleet.ready({ hubEnv: { ARW_RUNTIME_MATRIX_TTL_SEC: '10' } });
  const { page, errors } = await openPage({ theme: 'dark' });
  await showNodes(page, fleet);
  const { reporter } = fleet;
  onTestFinished(() => reporter?.kill('SIGCONT'));

  reporter?.kill('SIGSTOP');
  const node = page.locator(`[data-node="${NODE}"]`);
  await node.getByText('Offline', { exact: true }).waitFor({ timeout: SILENT_WITHIN_MS });
  expect(await node.locator('.chip').textContent()).toContain('Unknown');
  expect(await node.locator('.freshness').textContent()).toMatch(/^silent for \d+ s$/);
  expect(await page.locator('.badge').textContent()).toBe('Runtime: 0/1 ready');
  await shot(page, 'offline-node');
  expect(await graveFindings(page)).toEqual([]);
  await node.getByRole('link').first().click();
  await page.getByText(/^What follows is what it said last/).waitFor();
  await page.goBack();

  reporter?.kill('SIGCONT');
  await node.getByText('Ready', { exact: true }).first().waitFor({ timeout: BACK_WITHIN_MS });
  expect(errors).toEqual([]);
});

test('a hub that is gone is said, what is shown is not lost, and it is live again by itself', async () => {
  const fleet = await Fleet.ready();
  const { page, errors } = await openPage();
  await showNodes(page, fleet);

  await fleet.hub?.stop();
  await page
    .getByRole('alert')
    .getByText(/^Offline since \d\d:\d\d/)
    .waitFor();
  expect(await page.locator(`[data-node="${NODE}"]`).count()).toBe(1);
  await shot(page, 'offline-hub');
  expect(await graveFindings(page)).toEqual([]);

  await fleet.startHub();
  await page.locator('[data-connection=live]').waitFor({ timeout: BACK_WITHIN_MS });
  expect(await page.getByRole('alert').count()).toBe(0);
  expect(errors).toEqual([]);
});

test('where no stream can be opened it asks now and then, says so, and still shows what happens', async () => {
  const fleet = await Fleet.ready({ hubEnv: { ARW_RUNTIME_MATRIX_TTL_SEC: '10' } });
  const { page, errors } = await openPage();
  await page.routeWebSocket(/\/events/, (socket) => void socket.close());
  await page.goto(`${fleet.hubUrl}/#token=${ADMIN_TOKEN}`);

  const pill = page.locator('[data-connection=polling]');
  await pill.waitFor();
  expect(await pill.getAttribute('title')).toContain('the hub is asked every 2 s');
  await fleet.shutdown();
  await page.locator('.badge').getByText('Runtime: 0/1 ready').waitFor();
  expect(await graveFindings(page)).toEqual([]);
  await shot(page, 'polling');
  expect(errors).toEqual([]);
});
