// Owns the manifest in force: reading the file again, putting a valid one in force, and saying why one is not.

import { isDeepStrictEqual } from 'node:util';
import { LINE_MAX_LENGTH } from '../contract/scalars.ts';
import { spokenLine, type Reason } from '../contract/status.ts';
import { messageOf } from './errors.ts';
import type { Log } from './log.ts';
import { changeWords, diffManifests } from './manifest-diff.ts';
import type { Manifest } from './manifest-schema.ts';
import { ManifestError, parseManifest, readManifestText } from './manifest.ts';
import type { RuntimeMaker } from './supervisor/roster.ts';
import type { Supervisor } from './supervisor/supervisor.ts';

export type ManifestReloadOptions = {
  path: string;
  /** The one in force at the start. */
  manifest: Manifest;
  supervisor: Pick<Supervisor, 'apply' | 'variants'>;
  maker: RuntimeMaker;
  log: Log;
  /** The runtimes or the reasons are others now. */
  onNews: () => void;
};

export class ManifestReload {
  readonly #options: ManifestReloadOptions;
  #manifest: Manifest;
  #seen: string | undefined;
  #fault: string | undefined;
  #looking: Promise<void> = Promise.resolve();
  #stopped = false;

  constructor(options: ManifestReloadOptions) {
    this.#options = options;
    this.#manifest = options.manifest;
  }

  /** Why the file is not what is in force; nothing while it is. */
  reasons(): Reason[] {
    return this.#fault === undefined ? [] : [{ severity: 'warn', text: notApplied(this.#fault) }];
  }

  /**
   * Reads the file and puts it in force where it is valid and differs; one look at a time.
   * @param asked somebody wants to hear of the outcome even where nothing differs.
   */
  look({ asked = false } = {}): Promise<void> {
    this.#looking = this.#looking
      .then(() => this.#look(asked))
      .catch((error: unknown) => {
        this.#options.log.error(`the manifest was not looked at: ${messageOf(error)}`);
      });
    return this.#looking;
  }

  stop(): void {
    this.#stopped = true;
  }

  async #look(asked: boolean): Promise<void> {
    const { path, log, onNews } = this.#options;
    let text: string | undefined;
    try {
      text = await readManifestText(path);
      if (this.#stopped || (text === this.#seen && !asked)) return;
      this.#apply(parseManifest(text, path), asked);
    } catch (error) {
      if (!(error instanceof ManifestError)) throw error;
      const fault = error.faults.join('; ');
      if (this.#stopped || (fault === this.#fault && !asked)) return;
      this.#fault = fault;
      log.error(`manifest not applied, the earlier one is in force: ${error.message}`);
      onNews();
    } finally {
      this.#seen = text;
    }
  }

  #apply(manifest: Manifest, asked: boolean): void {
    const { path, supervisor, maker, log, onNews } = this.#options;
    const mended = this.#fault !== undefined;
    this.#fault = undefined;
    const changes = diffManifests(this.#manifest, manifest, supervisor.variants());
    const differs = changes.some(({ kind }) => kind !== 'keep');
    if (!isDeepStrictEqual(this.#manifest.gateway, manifest.gateway)) {
      log.warn(
        `manifest ${path}: the change of [gateway] takes effect when the reporter is started again; ` +
          'until then it stays as it is',
      );
    }
    this.#manifest = manifest;
    if (differs || mended || asked) log.info(`manifest ${path} is in force: ${changeWords(changes)}`);
    // Not waited for: a runtime may take minutes to end, and the next change of the file must not wait for it.
    supervisor.apply(changes, maker).catch((error: unknown) => {
      log.error(`manifest ${path}: not all of it could be put in force: ${messageOf(error)}`);
    });
    if (differs || mended) onNews();
  }
}

/** One line of a status: where it is too long, the fault is cut and not the end. */
function notApplied(fault: string): string {
  const end = '; the earlier one is in force';
  const begin = spokenLine(`Manifest not applied: ${fault}`);
  const room = LINE_MAX_LENGTH - end.length;
  return `${begin.length <= room ? begin : `${begin.slice(0, room - 1).replace(/[\uD800-\uDBFF]$/, '')}…`}${end}`;
}
