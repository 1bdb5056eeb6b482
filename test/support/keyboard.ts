// Owns the keyboard of somebody who has no mouse: what has the focus, as it is called, and how to get there by Tab.

import type { Page } from 'playwright-core';

/** More than any view has before what is looked for. */
const TABS_MAX = 60;

/** The page's side, as text: it runs there. The name that is said of what has the focus. */
const NAME_OF_FOCUSED = `(() => {
  const element = document.activeElement;
  const [label = element] = element?.labels ?? [];
  return label?.textContent.trim() ?? '';
})()`;

export async function focused(page: Page): Promise<string> {
  return String(await page.evaluate(NAME_OF_FOCUSED));
}

export async function tabTo(page: Page, name: string): Promise<void> {
  const passed: string[] = [];
  while (passed.length < TABS_MAX) {
    const now = await focused(page);
    if (now === name) return;
    passed.push(now);
    await page.keyboard.press('Tab');
  }
  throw new Error(`nothing called ${name} comes by Tab, only ${passed.join(', ')}`);
}
