/**
 * Owns the one error that means "a llama-server cannot be installed on this machine", as opposed to a bug.
 * Whoever catches it may fall back to the stub engine; everything else must surface.
 */

const BRING_YOUR_OWN = 'set LLAMA_SERVER_BIN to a llama-server of your own, or put one on the PATH';

/** The message is one sentence: what is in the way, then what to do about it. */
export class InstallError extends Error {
  constructor(
    obstacle: string,
    { remedy = BRING_YOUR_OWN, cause }: { remedy?: string; cause?: unknown } = {},
  ) {
    super(`${obstacle}; ${remedy}`, { cause });
    this.name = 'InstallError';
  }
}
