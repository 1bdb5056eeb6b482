// Owns the session with the hub: whose it is, how it begins and ends, and that it lasts while the page is open.

import { signal, type ReadonlySignal } from '@preact/signals';
import * as v from 'valibot';
import { SessionSchema, type Session } from '../../contract/session.ts';
import { onDoubt, setHubTime } from '../model/clock.ts';
import { ask, type Answer } from './ask.ts';

/** Well within its 12 h, so that a page that slept for some of them still has one. */
const RENEW_EVERY_MS = 1_800_000;

const current = signal<'unknown' | 'none' | 'signed-in'>('unknown');
export const session: ReadonlySignal<'unknown' | 'none' | 'signed-in'> = current;

setInterval(() => {
  if (current.peek() === 'signed-in' && document.visibilityState === 'visible') void begin({});
}, RENEW_EVERY_MS);

onDoubt(() => {
  if (current.peek() === 'signed-in') void findSession();
});
document.addEventListener('visibilitychange', () => {
  // Who comes back to the page sees the time as the hub has it, whatever this machine did meanwhile.
  if (current.peek() === 'signed-in' && document.visibilityState === 'visible') void findSession();
});

/** Whether there is one already. */
export async function findSession(): Promise<Answer<Session>> {
  return noted(() => ask('session', SessionSchema));
}

/** @returns why not, as a sentence; undefined where it began. */
export async function signIn(token: string): Promise<string | undefined> {
  const answer = await begin({ token });
  switch (answer.kind) {
    case 'ok':
      return undefined;
    case 'signed-out':
      return 'The hub does not know this token. It is the ARW_ADMIN_TOKEN under which the hub runs.';
    case 'unreachable':
      return 'The hub does not answer. Try again.';
    case 'refused':
      return answer.told;
    default:
      return answer satisfies never;
  }
}

/** @returns why not, as a sentence: only the hub can take the cookie back. Undefined where it ended. */
export async function signOut(): Promise<string | undefined> {
  const answer = await ask('session', v.unknown(), { method: 'DELETE' });
  switch (answer.kind) {
    case 'ok':
    case 'signed-out':
      sessionIsOver();
      return undefined;
    case 'unreachable':
      return 'Not signed out: the hub does not answer. Try again.';
    case 'refused':
      return `Not signed out: ${answer.told}`;
    default:
      return answer satisfies never;
  }
}

/** Some answer said so. */
export function sessionIsOver(): void {
  current.value = 'none';
}

/** The token of an address that signs in by itself; it is taken out of the address bar and the history at once. */
export function tokenOfAddress(): string | undefined {
  const token = /^#token=(.+)$/.exec(location.hash)?.[1];
  if (token === undefined) return undefined;
  history.replaceState(null, '', '#/');
  try {
    return decodeURIComponent(token);
  } catch {
    // Typed by hand, with a percent sign of its own.
    return token;
  }
}

function begin(body: { token?: string }): Promise<Answer<Session>> {
  return noted(() => ask('session', SessionSchema, { method: 'POST', body }));
}

async function noted(asks: () => Promise<Answer<Session>>): Promise<Answer<Session>> {
  const askedMs = performance.now();
  const answer = await asks();
  if (answer.kind === 'ok') {
    setHubTime(Date.parse(answer.value.server_time), askedMs, performance.now());
    current.value = 'signed-in';
  } else if (answer.kind === 'signed-out') current.value = 'none';
  return answer;
}
