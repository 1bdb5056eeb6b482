// Owns the patches of a shard's part of the read models, made only while somebody subscribes to them: at most one of
// each model in 250 ms. A read that is made meanwhile is made of what the last patch led to, and says which one it was.

import type { EventDraft, PatchOperation } from '../../../contract/events.ts';
import { CUT_WINDOW_MS, nextVersion } from '../../domain/cut.ts';
import { isoTime } from '../../domain/freshness.ts';
import type { Place } from '../../domain/shard-of.ts';
import type { NodeView } from '../../domain/view.ts';
import { PATCH_MAX_LENGTH } from '../../domain/watch.ts';
import type { FleetRpc } from '../rpc.ts';
import { Mirror } from './mirror.ts';

/** More than this waits for nobody. */
const MAX_UNTOLD = 16;
const TELL_AGAIN_MS = 1000;
/** Reads that may still be shown, and the version of each. */
const MAX_KNOWN = 64;

const MODELS = ['runtime_matrix', 'runtime_supervisor'] as const;
type Model = (typeof MODELS)[number];

/** The version of each patched read model, and how many records of the supervisor view are of this shard. */
export type Chain = Record<Model, number> & { count: number };

export type PatchesOptions = {
  place: Place;
  ttlSeconds: number;
  fleet: () => Pick<FleetRpc, 'publish'>;
  isWatched: (now: number) => boolean;
  views: () => NodeView[];
  /** What was read may be shown no more. */
  onMissed: () => void;
};

export class Patches {
  readonly #options: PatchesOptions;
  #mirror: Mirror | undefined;
  #versions: Record<Model, number> = { runtime_matrix: 0, runtime_supervisor: 0 };
  /** By the time of a read. */
  readonly #known = new Map<number, Chain>();
  #timer: ReturnType<typeof setTimeout> | undefined;
  #timerAt = Number.POSITIVE_INFINITY;
  #untold: EventDraft[] = [];
  #isTelling = false;
  #isMissed = false;

  constructor(options: PatchesOptions) {
    this.#options = options;
  }

  /** Somebody subscribes: from now on every change is told. */
  begin(now: number): void {
    if (this.#mirror !== undefined || !this.#options.isWatched(now)) return;
    const mirror = new Mirror(this.#options.ttlSeconds);
    mirror.advance(this.#options.views(), now);
    this.#mirror = mirror;
    for (const model of MODELS) this.#versions[model] = nextVersion(this.#versions[model], now);
    // Whoever has an earlier version, of this life of the object or of another one, has to load again; also who is
    // shown what an isolate had asked for before, which it may show for no longer than the cut window.
    this.#tellOfGap(now);
    setTimeout(() => {
      if (this.#mirror === mirror) this.#tellVersions(Date.now());
    }, CUT_WINDOW_MS);
    this.#lookAgain(now);
  }

  /** Something that a view shows has changed. */
  touched(now: number): void {
    if (!this.#options.isWatched(now)) return this.#stop();
    if (this.#mirror === undefined) return this.begin(now);
    // A clock that was set back must not make it wait for as long.
    this.#lookAt(Math.min(this.#mirror.at, now) + CUT_WINDOW_MS, now);
  }

  /** What a read of everything is made of, now. */
  viewsFor(now: number): NodeView[] {
    if (this.#mirror === undefined || !this.#options.isWatched(now)) return this.#options.views();
    if (now !== this.#mirror.at) this.#advance(this.#mirror, now);
    // Within this millisecond more may have happened: nobody may keep that read.
    else this.#isMissed = true;
    this.#known.set(now, { ...this.#versions, count: this.#mirror.recordCount });
    const [oldest] = this.#known.keys();
    if (this.#known.size > MAX_KNOWN && oldest !== undefined) this.#known.delete(oldest);
    return this.#mirror.views;
  }

  /** The version of the read that was made at that time; undefined where nobody patches it. */
  chainOf(at: number): Chain | undefined {
    return this.#known.get(at);
  }

  #advance(mirror: Mirror, now: number): void {
    const patches = mirror.advance(this.#options.views(), now);
    if (this.#isMissed) {
      this.#isMissed = false;
      this.#options.onMissed();
    }
    for (const model of MODELS) {
      const patch = patches[model];
      if (patch.length === 0) continue;
      const base = this.#versions[model];
      this.#versions[model] = nextVersion(base, now);
      this.#tell([this.#draft(model, base, patch, now)]);
    }
    this.#lookAgain(now);
  }

  #lookAgain(now: number): void {
    const changesAt = this.#mirror?.changesAt(now);
    if (changesAt !== undefined) this.#lookAt(changesAt, now);
  }

  /** One timer, for the earliest time. */
  #lookAt(at: number, now: number): void {
    if (this.#timerAt <= at) return;
    if (this.#timer !== undefined) clearTimeout(this.#timer);
    this.#timerAt = at;
    this.#timer = setTimeout(() => this.#look(Date.now()), Math.max(0, at - now));
  }

  #look(now: number): void {
    this.#timerAt = Number.POSITIVE_INFINITY;
    if (!this.#options.isWatched(now)) return this.#stop();
    if (this.#mirror === undefined) return;
    if (now !== this.#mirror.at) this.#advance(this.#mirror, now);
    else this.#lookAt(now + 1, now);
  }

  #stop(): void {
    // Each heartbeat that nobody watches comes here: even to empty an empty map makes a new one.
    if (this.#mirror === undefined) return;
    if (this.#timer !== undefined) clearTimeout(this.#timer);
    this.#timerAt = Number.POSITIVE_INFINITY;
    this.#mirror = undefined;
    this.#known.clear();
  }

  #tellOfGap(now: number): void {
    this.#untold = [];
    this.#tellVersions(now);
  }

  /** Empty patches, which fit nobody: whoever has not got as far loads again. */
  #tellVersions(now: number): void {
    this.#tell(MODELS.map((model) => this.#draft(model, this.#versions[model], [], now)));
  }

  #draft(id: Model, base: number, patch: PatchOperation[], now: number): EventDraft {
    const isLong = JSON.stringify(patch).length > PATCH_MAX_LENGTH;
    return {
      time: isoTime(now),
      kind: 'state.read.model.patch',
      payload: {
        id,
        shard: String(this.#options.place.index),
        // One that begins where it ends is contained in what has got there, and fits nothing else.
        base: isLong ? this.#versions[id] : base,
        version: this.#versions[id],
        patch: isLong ? [] : patch,
      },
    };
  }

  #tell(drafts: readonly EventDraft[]): void {
    this.#untold.push(...drafts);
    if (this.#untold.length > MAX_UNTOLD) return this.#tellOfGap(Date.now());
    if (!this.#isTelling) void this.#flush();
  }

  /** In order. What was lost is noticed by whoever needed it: the next patch does not fit. */
  async #flush(): Promise<void> {
    this.#isTelling = true;
    const { fleet, place } = this.#options;
    try {
      while (this.#untold.length > 0) {
        const drafts = this.#untold.splice(0).map((draft) => ({ source: '', draft }));
        await fleet().publish(place, { drafts, isRepeat: false, lost: 0 });
      }
    } catch (error) {
      console.error('Could not tell Fleet of a patch; whoever needed it will load again', error);
      setTimeout(() => {
        if (this.#mirror !== undefined) this.#tellOfGap(Date.now());
      }, TELL_AGAIN_MS);
    } finally {
      this.#isTelling = false;
    }
  }
}
