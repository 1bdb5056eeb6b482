// Owns what became of something that was asked of an alert on this page, in words; and when the alerts are read again.

import type { Alert, AlertTested } from '../../contract/alerts.ts';

export type Turn = { tone: 'busy' | 'good' | 'bad'; words: string };

const QUIET_MS = 15_000;
/** A message gathers what happens within a second, and is answered soon after. */
const WAITING_MS = 2000;

/** Sooner while a message is on its way: how it ends is what somebody waits for. */
export function lookAgainMs(alerts: readonly Alert[]): number {
  return alerts.some(({ delivery }) => delivery.queued > 0) ? WAITING_MS : QUIET_MS;
}

type Tested = { ok: true; value: AlertTested } | { ok: false; told: string };

/** @param answer undefined while none has come */
export function testTurn(answer: Tested | undefined): Turn {
  if (answer === undefined) {
    return { tone: 'busy', words: 'A test message is on its way; the receiver has 10 s to answer' };
  }
  if (!answer.ok) return { tone: 'bad', words: `The test failed: ${answer.told}` };
  const { status, latency_ms: latencyMs } = answer.value;
  return {
    tone: 'good',
    words: `The receiver took the test message: it answered ${status} within ${Math.ceil(latencyMs)} ms`,
  };
}

export function setTurn(id: string, isNew: boolean): Turn {
  return { tone: 'good', words: isNew ? `Alert ${id} is set: try it with Test` : `Alert ${id} is changed` };
}

/** @param told why it could not be done */
export function switchTurn(id: string, enabled: boolean, told?: string): Turn {
  const to = enabled ? 'on' : 'off';
  if (told !== undefined) return { tone: 'bad', words: `Alert ${id} could not be switched ${to}: ${told}` };
  return { tone: 'good', words: `Alert ${id} is ${to}` };
}
