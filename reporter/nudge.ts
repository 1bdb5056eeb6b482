// Owns one kind of waiting: for a time, or until somebody nudges, or until what is waited for has ended.

export class Nudge {
  #given = false;
  #wake: (() => void) | undefined;

  /** Ends the present wait; with none under way, the next one ends at once. */
  give(): void {
    this.#given = true;
    this.#wake?.();
  }

  async wait(delayMs: number, ended: AbortSignal): Promise<void> {
    if (!this.#given && !ended.aborted) {
      await new Promise<void>((resolve) => {
        const wake = (): void => {
          clearTimeout(timer);
          ended.removeEventListener('abort', wake);
          this.#wake = undefined;
          resolve();
        };
        const timer = setTimeout(wake, delayMs);
        this.#wake = wake;
        ended.addEventListener('abort', wake);
      });
    }
    this.#given = false;
  }
}
