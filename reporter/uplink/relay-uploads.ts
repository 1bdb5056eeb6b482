// Owns whether uploads pass on the present way to the hub. Each that the hub had in its hands before its end shows that
// they do; after some that it had not, none is tried until there is another way.

import type { Log } from '../log.ts';
import type { OpenUpload, Upload, UploadEars } from './relay-upload.ts';

/** One alone may have come when its reader was leaving. */
const FAILED_AT_MOST = 3;

export class RelayUploads {
  readonly #open: OpenUpload;
  readonly #log: Log;
  /** Since the last one that passed. */
  #failed = 0;

  constructor(open: OpenUpload, log: Log) {
    this.#open = open;
    this.#log = log;
  }

  /** Undefined where none passes, as is known. */
  begin(stream: number, ears: UploadEars): Upload | undefined {
    return this.#failed >= FAILED_AT_MOST ? undefined : this.#open(stream, ears);
  }

  passed(): void {
    this.#failed = 0;
  }

  failed(): void {
    this.#failed += 1;
    if (this.#failed !== FAILED_AT_MOST) return;
    this.#log.info(
      'Uploads do not reach the hub before their end (a proxy keeps them, or the hub is older): relayed answers go over the WebSocket alone',
    );
  }

  /** The next socket may lead elsewhere. */
  newWay(): void {
    this.#failed = 0;
  }
}
