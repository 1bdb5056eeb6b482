// Owns the exit codes of the smoke suites; docs/smoke.md lists them.

export const EXIT = {
  passed: 0,
  failed: 1,
  /** The settings cannot be used; nothing was started. */
  settings: 2,
  /** As timeout(1) has it. */
  timedOut: 124,
  SIGHUP: 129,
  SIGINT: 130,
  SIGTERM: 143,
} as const;
