// Owns what counts as a healthy answer: the manifest's `[runtimes.process.health]` with its defaults.

import type { RuntimeEntry } from '../manifest-schema.ts';

export type HealthCheck = {
  url: string;
  method: string;
  /** Undefined: any 2xx. */
  expectStatus: number | undefined;
  /** A text that the body must contain; undefined: any body. */
  expectBody: string | undefined;
  timeoutMs: number;
};

const DEFAULT_TIMEOUT_MS = 3000;

export function healthCheck(health: RuntimeEntry['process']['health'], fallbackUrl: string): HealthCheck {
  return {
    url: health?.url ?? fallbackUrl,
    method: health?.method ?? 'GET',
    expectStatus: health?.expect_status,
    expectBody: health?.expect_body,
    timeoutMs: health?.timeout_ms ?? DEFAULT_TIMEOUT_MS,
  };
}

/** Why an answer is not healthy; undefined where it is. */
export function statusFault(check: HealthCheck, status: number, body: string): string | undefined {
  const expected =
    check.expectStatus === undefined ? status >= 200 && status < 300 : status === check.expectStatus;
  if (!expected) return `HTTP ${status} instead of ${check.expectStatus ?? '2xx'}`;
  if (check.expectBody !== undefined && !body.includes(check.expectBody)) {
    return `the body does not contain "${check.expectBody}"`;
  }
  return undefined;
}
