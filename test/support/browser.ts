// Owns a real Chromium for tests: found or the test fails, with a profile of its own, and gone when the test is over.

import { access, mkdir } from 'node:fs/promises';
import axe from 'axe-core';
import { chromium, type Browser, type Page } from 'playwright-core';
import { onTestFinished } from 'vitest';

const PLACES = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'];

/** Nothing that a browser does by itself on a network, and no sandbox of its own where tests run as root. */
const ARGUMENTS = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

/** Kept as artifacts of a run; git ignores it. */
const SHOTS = 'test-results/browser';

const AXE_TAGS = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'];
const GRAVE: ReadonlySet<string> = new Set(['serious', 'critical']);

export type Look = { theme?: 'light' | 'dark'; width?: number; height?: number };

/** @param errors what the page complains of; empty after a test unless it was to be. */
export type Visit = { page: Page; errors: string[] };

export async function openPage({ theme = 'light', width = 1280, height = 800 }: Look = {}): Promise<Visit> {
  const browser = await startBrowser();
  const page = await browser.newPage({ viewport: { width, height }, colorScheme: theme });
  const errors: string[] = [];
  page.on('pageerror', (error) => void errors.push(error.message));
  page.on('console', (message) => {
    // The policy of the page is part of what is tested. A status that is to be dealt with is told by Chromium as well.
    if (message.type() === 'error' && !/Failed to load resource|WebSocket/.test(message.text()))
      errors.push(message.text());
  });
  page.setDefaultTimeout(15_000);
  onTestFinished(async ({ task }) => {
    try {
      if (task.result?.state !== 'fail') return;
      process.stderr.write(`the page said: ${errors.join('\n')}\n`);
      await shot(page, `failed: ${task.name}`.replaceAll(/\W+/g, '-'));
    } finally {
      await browser.close();
    }
  });
  return { page, errors };
}

export async function startBrowser(): Promise<Browser> {
  return chromium.launch({ executablePath: await findChromium(), headless: true, args: ARGUMENTS });
}

async function findChromium(): Promise<string> {
  const places = process.env['CHROMIUM_BIN'] === undefined ? PLACES : [process.env['CHROMIUM_BIN']];
  for (const place of places) {
    try {
      await access(place);
      return place;
    } catch {
      // Not there: the next one.
    }
  }
  throw new Error(`no Chromium at ${places.join(', ')}: apt-get install chromium, or set CHROMIUM_BIN`);
}

export async function shot(page: Page, name: string): Promise<void> {
  await mkdir(SHOTS, { recursive: true });
  await page.screenshot({ path: `${SHOTS}/${name}.png` });
}

/** What axe finds that keeps somebody out, each with where. */
export async function graveFindings(page: Page): Promise<string[]> {
  await page.evaluate(axe.source);
  const { violations } = await page.evaluate(
    (tags) => globalThis.axe.run({ runOnly: { type: 'tag', values: tags } }),
    AXE_TAGS,
  );
  return violations
    .filter(({ impact }) => GRAVE.has(impact ?? ''))
    .flatMap(({ id, help, nodes }) => nodes.map(({ html }) => `${id}: ${help}: ${html}`));
}

declare global {
  var axe: typeof import('axe-core');
}
