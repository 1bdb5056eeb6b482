// Owns why a hub at home does not start or go on: one sentence for stderr and an exit code.

export const EXIT = {
  failed: 1,
  /** The settings cannot be used, or would be unsafe. */
  refused: 2,
  portInUse: 3,
  dataInUse: 4,
} as const;

export class HubError extends Error {
  override readonly name = 'HubError';
  readonly exitCode: number;

  constructor(exitCode: (typeof EXIT)[keyof typeof EXIT], message: string, options?: ErrorOptions) {
    super(message, options);
    this.exitCode = exitCode;
  }
}

export function isSystemError(error: unknown, code: string): boolean {
  return error instanceof Error && 'code' in error && error.code === code;
}
