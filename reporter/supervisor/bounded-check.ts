// Owns a check that may hang: it is given so long, and while it hangs no second one is begun beside it.

/** Below what a stop may take: it waits for a launch that is under way. */
const LIMIT_MS = 4_000;
const HANGS =
  'The checks before the launch do not end; look for a file system that hangs under the program, the folder or the model';

export class BoundedCheck {
  #running = false;

  /** What the check finds, or that it hangs: a look at a dead mount never returns. */
  async run(check: () => Promise<string[]>): Promise<string[]> {
    if (this.#running) return [HANGS];
    this.#running = true;
    const checking = check().finally(() => {
      this.#running = false;
    });
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<string[]>((resolve) => {
      timer = setTimeout(() => resolve([HANGS]), LIMIT_MS);
    });
    return Promise.race([checking, late]).finally(() => clearTimeout(timer));
  }
}
