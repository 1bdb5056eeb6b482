// Owns the theme: what the system prefers, until somebody chooses on this page.

import { effect, signal, type ReadonlySignal } from '@preact/signals';

const THEMES = ['system', 'light', 'dark'] as const;
export type Theme = (typeof THEMES)[number];

const KEY = 'arw.theme';

const chosen = signal<Theme>(THEMES.find((theme) => theme === localStorage.getItem(KEY)) ?? 'system');
export const theme: ReadonlySignal<Theme> = chosen;

effect(() => {
  document.documentElement.dataset['theme'] = chosen.value;
});

/** System, light, dark, and around. */
export function nextTheme(): void {
  chosen.value = THEMES[(THEMES.indexOf(chosen.peek()) + 1) % THEMES.length] ?? 'system';
  localStorage.setItem(KEY, chosen.peek());
}
