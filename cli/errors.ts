// Owns the exit codes of the command line and the one error that carries one.

export const EXIT = {
  ok: 0,
  /** The hub or the node said no, or the job did not succeed. */
  failed: 1,
  /** The command line or a setting cannot be used. */
  usage: 2,
  /** The hub cannot be reached, or something else answers there. */
  unreachable: 3,
  /** The token is missing, wrong, or not allowed to do this. */
  unauthorized: 4,
  /** Ctrl-C, before the end of what was asked for: as shells have it, 128 and the number of the signal. */
  interrupted: 130,
} as const;

export type ExitCode = (typeof EXIT)[keyof typeof EXIT];

/** Ends the program: `message` is one sentence for stderr that says what to do. */
export class CliError extends Error {
  override readonly name = 'CliError';
  readonly exitCode: ExitCode;

  constructor(exitCode: ExitCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.exitCode = exitCode;
  }
}
