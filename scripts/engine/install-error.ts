/**
 * Owns the one error that means "this server cannot be installed on this machine", as opposed to a bug.
 * Whoever catches it may fall back to the stub engine; everything else must surface.
 */

/** What to do for want of better advice; an install of another server says its own. */
const BRING_YOUR_OWN = 'set LLAMA_SERVER_BIN to a llama-server of your own, or put one on the PATH';

/** The message is one sentence: what is in the way, then what to do about it. */
export class InstallError extends Error {
  readonly #obstacle: string;
  readonly #remedy: string | undefined;

  constructor(obstacle: string, { remedy, cause }: { remedy?: string; cause?: unknown } = {}) {
    super(`${obstacle}; ${remedy ?? BRING_YOUR_OWN}`, { cause });
    this.name = 'InstallError';
    this.#obstacle = obstacle;
    this.#remedy = remedy;
  }

  /** The same obstacle with `remedy`, where none of its own was said. */
  advising(remedy: string): InstallError {
    return this.#remedy === undefined ? new InstallError(this.#obstacle, { remedy, cause: this }) : this;
  }
}
