// Owns when a message is sent again, and when it is given up.

import type { AlertItem } from '../../contract/alerts.ts';

/** A message on its way: at least once, in order, under one id however often it is sent. */
export type Delivery = {
  /** Orders the deliveries of an alert. */
  seq: number;
  id: string;
  alert: string;
  dueAt: number;
  attempts: number;
  items: AlertItem[];
};

/** `status` is undefined where no answer came. */
export type Failure = { status?: number; retryAfterSeconds?: number; message: string };

const MAX_ATTEMPTS = 12;
const FIRST_RETRY_MS = 5000;
const LONGEST_RETRY_MS = 1_800_000;
const LONGEST_ASKED_MS = 3_600_000;

/** What happens together is told together: this long a message waits for more of it. */
export const GATHER_MS = 1000;
export const MAX_ITEMS = 20;

/** So many openings wait for a receiver that is away; further ones wait where they are, untold. */
const MAX_QUEUED = 100;
/** So many are told as open at a time, and each of them has a recovery to come. */
const MAX_OPEN = 500;

/** True where one more may be told as open; its recovery then always has room. */
export function hasRoom(queuedItems: number, openings: number): boolean {
  return queuedItems < MAX_QUEUED && openings < MAX_OPEN;
}

/** When to try again after so many attempts; undefined where it is given up. @param chance in [0, 1) */
export function retryAt(attempts: number, failure: Failure, now: number, chance: number): number | undefined {
  if (attempts >= MAX_ATTEMPTS || isFinal(failure.status)) return undefined;
  const backoffMs = Math.min(LONGEST_RETRY_MS, FIRST_RETRY_MS * 2 ** (attempts - 1));
  // Half of it by chance: many messages that failed together must not come back together.
  const jitteredMs = backoffMs / 2 + (backoffMs / 2) * chance;
  const askedMs = Math.min(LONGEST_ASKED_MS, (failure.retryAfterSeconds ?? 0) * 1000);
  return now + Math.ceil(Math.max(jitteredMs, askedMs));
}

/** A receiver that understood and refuses will refuse again. */
function isFinal(status: number | undefined): boolean {
  if (status === undefined || status >= 500) return false;
  return status !== 408 && status !== 425 && status !== 429;
}
