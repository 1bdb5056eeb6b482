// Owns the header: where one is, how the fleet is, whether that is live, and the switches of the page.

import { useSignal } from '@preact/signals';
import { signOut } from '../connection/session.ts';
import { route } from '../model/location.ts';
import { nextTheme, theme, type Theme } from '../model/theme.ts';
import { hashOf, VIEWS, type ViewName } from '../view-model/route.ts';
import { Badge } from './badge.tsx';
import { ConnectionPill } from './connection-pill.tsx';

export const TITLES: Record<ViewName, string> = {
  grid: 'Grid',
  nodes: 'Nodes',
  events: 'Events',
  alerts: 'Alerts',
};

const THEME_WORDS: Record<Theme, string> = { system: 'Auto', light: 'Light', dark: 'Dark' };

export function Header() {
  return (
    <header class="top">
      <a class="skip" href="#main" onClick={skip}>
        Skip to content
      </a>
      <a class="brand" href="#/" aria-label="Runtime Matrix">
        <Logo />
        <span class="wide">Runtime Matrix</span>
      </a>
      <Navigation />
      <div class="state">
        <Badge />
        <ConnectionPill />
      </div>
      <div class="switches">
        <button type="button" class="quiet" onClick={nextTheme} title="Switch between light and dark">
          <span class="unseen">Theme: </span>
          {THEME_WORDS[theme.value]}
        </button>
        <SignOut />
      </div>
    </header>
  );
}

function SignOut() {
  const failure = useSignal('');
  const leave = async (): Promise<void> => {
    failure.value = '';
    failure.value = (await signOut()) ?? '';
  };
  return (
    <>
      <p class="failure" role="alert">
        {failure.value}
      </p>
      <button type="button" class="quiet" onClick={() => void leave()}>
        Sign out
      </button>
    </>
  );
}

function Navigation() {
  const { view } = route.value;
  return (
    <nav aria-label="Views">
      {VIEWS.map((name) => (
        <a
          key={name}
          href={hashOf({ view: name, parameters: {} })}
          aria-current={name === view ? 'page' : undefined}
        >
          {TITLES[name]}
        </a>
      ))}
    </nav>
  );
}

export function Logo() {
  return (
    <svg class="logo" viewBox="0 0 20 20" aria-hidden="true" focusable="false">
      <rect x="1" y="1" width="8" height="8" rx="2" />
      <rect x="11" y="1" width="8" height="8" rx="2" />
      <rect x="1" y="11" width="8" height="8" rx="2" />
      <circle cx="15" cy="15" r="3.100" />
    </svg>
  );
}

/** The address names the view: the link moves the focus and leaves it. */
function skip(event: Event): void {
  event.preventDefault();
  document.getElementById('main')?.focus();
}
