// Owns the exit codes of the reporter's commands.

export const EXIT = {
  ok: 0,
  /** It was tried and did not succeed, or a check found a fault. */
  failed: 1,
  /** The command line, a setting or the manifest cannot be used. */
  unusable: 2,
} as const;
