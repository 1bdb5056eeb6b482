// Owns reading what was thrown: its message, and the system's code where the system threw it.

export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** `ENOENT`, `ECONNREFUSED` and the like, also from inside a failure that wraps it; undefined where there is none. */
export function codeOf(error: unknown): string | undefined {
  const root = rootOf(error);
  return root instanceof Error && 'code' in root && typeof root.code === 'string' ? root.code : undefined;
}

/** What a wrapping error was caused by. */
export function rootOf(error: unknown): unknown {
  return error instanceof Error && error.cause !== undefined ? rootOf(error.cause) : error;
}
