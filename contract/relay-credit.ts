// Owns the back-pressure of one body of a relayed exchange: who sends spends credit, who reads grants it anew. What is
// under way between them never exceeds the window, whatever either side does. Pure but for what it keeps.

/** Both bodies of an exchange begin with it: enough for a line of 50 ms to carry 2 MB/s, and what a slow reader can cost. */
export const RELAY_WINDOW_BYTES = 128 * 1024;

/** Grants go out when a quarter of the window was read: few frames, and the sender never waits for the last byte. */
const GRANT_FROM_BYTES = RELAY_WINDOW_BYTES / 4;

export class SendCredit {
  #left = RELAY_WINDOW_BYTES;

  /** Bytes that may be sent now. */
  get left(): number {
    return this.#left;
  }

  spend(bytes: number): void {
    if (bytes > this.#left) throw new Error(`${bytes} bytes sent with a credit of ${this.#left}`);
    this.#left -= bytes;
  }

  /** What a peer grants beyond the window is not taken: nobody makes this side send more than it would hold. */
  grant(bytes: number): void {
    this.#left = Math.min(RELAY_WINDOW_BYTES, this.#left + bytes);
  }
}

export class ReceiveCredit {
  /** What the peer may still send as far as it knows. */
  #granted = RELAY_WINDOW_BYTES;
  /** Read, and not granted anew yet. */
  #owed = 0;

  /** Bytes came; false where they were never granted. */
  receive(bytes: number): boolean {
    if (bytes > this.#granted) return false;
    this.#granted -= bytes;
    return true;
  }

  /** Bytes were read for good. @returns what to grant now; 0 while it is not worth a frame. */
  read(bytes: number): number {
    this.#owed += bytes;
    if (this.#owed < GRANT_FROM_BYTES) return 0;
    const granting = this.#owed;
    this.#owed = 0;
    this.#granted += granting;
    return granting;
  }
}
