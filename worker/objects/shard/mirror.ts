// Owns one shard's part of the read models as those who patch them have it, and what turns it into what it is now. It
// is made of the same items and records that a read is made of.

import type { PatchOperation } from '../../../contract/events.ts';
import type { MatrixItem, SupervisorRecord } from '../../../contract/read-models.ts';
import { isStale, silence } from '../../domain/freshness.ts';
import { earliest } from '../../domain/next-alarm.ts';
import { matrixItem, supervisorRecords, type NodeView, type ViewTime } from '../../domain/view.ts';
import { diff } from '../../json-patch.ts';

/** Below two minutes the words of a silence count seconds. */
const SECONDS_UNTIL_MS = 120_000;
const SECOND_MS = 1000;
const LONGER_MS = 10_000;

type Entry = { view: NodeView; silence: string | undefined; item: MatrixItem; records: SupervisorRecord[] };

export type Patches = Record<'runtime_matrix' | 'runtime_supervisor', PatchOperation[]>;

export class Mirror {
  readonly #ttlSeconds: number;
  #entries = new Map<string, Entry>();
  #at = 0;

  constructor(ttlSeconds: number) {
    this.#ttlSeconds = ttlSeconds;
  }

  /** As of when it is. */
  get at(): number {
    return this.#at;
  }

  /** What it is made of. */
  get views(): NodeView[] {
    return [...this.#entries.values()].map(({ view }) => view);
  }

  /** How many records of the supervisor view are its own. */
  get recordCount(): number {
    return [...this.#entries.values()].reduce((sum, { records }) => sum + records.length, 0);
  }

  /** Makes it what it is now; the answer turns what it was into that. */
  advance(views: readonly NodeView[], now: number): Patches {
    const before = this.#entries;
    const time = { ttlSeconds: this.#ttlSeconds, now };
    const sorted = views.toSorted((a, b) => (a.snapshot.target < b.snapshot.target ? -1 : 1));
    this.#entries = new Map(
      sorted.map((view) => [view.snapshot.target, entryOf(view, before.get(view.snapshot.target), time)]),
    );
    this.#at = now;
    return {
      runtime_matrix: matrixPatch(before, this.#entries, time),
      runtime_supervisor: supervisorPatch(before, this.#entries),
    };
  }

  /** When the words of a silence that has begun will be others. That one begins is what the object's alarm is for. */
  changesAt(now: number): number | undefined {
    return earliest(
      [...this.#entries.values()].map(({ view, silence: words }) => {
        if (words === undefined) return undefined;
        return now + (now - view.receivedAt < SECONDS_UNTIL_MS ? SECOND_MS : LONGER_MS);
      }),
    );
  }
}

/** The same entry where nothing is to be told of the node. */
function entryOf(view: NodeView, before: Entry | undefined, time: ViewTime): Entry {
  const words = isStale(view, time.ttlSeconds, time.now) ? silence(view, time.now) : undefined;
  if (before !== undefined && isSame(before.view, view) && before.silence === words) return before;
  return {
    view,
    silence: words,
    item: matrixItem(view, time, false),
    records: supervisorRecords(view, time),
  };
}

function isSame(a: NodeView, b: NodeView): boolean {
  return (
    a.snapshot === b.snapshot &&
    a.receivedAt === b.receivedAt &&
    a.ttlSeconds === b.ttlSeconds &&
    a.uplink === b.uplink
  );
}

function matrixPatch(
  before: ReadonlyMap<string, Entry>,
  after: ReadonlyMap<string, Entry>,
  time: ViewTime,
): PatchOperation[] {
  const patch: PatchOperation[] = [];
  for (const node of before.keys()) {
    if (!after.has(node)) patch.push({ op: 'remove', path: `/items/${node}` });
  }
  for (const [node, entry] of after) {
    const old = before.get(node);
    const path = `/items/${node}`;
    if (old === undefined) patch.push({ op: 'add', path, value: matrixItem(entry.view, time, false) });
    else if (old !== entry) patch.push(...diff(withoutAge(old.item), withoutAge(entry.item), path));
  }
  return patch;
}

/** An age is what the reader's clock makes of `received_at`: it would be another one for every node at every moment. */
function withoutAge({ age_seconds: _age, ...rest }: MatrixItem): object {
  return rest;
}

/** Records stand in the order of their nodes; places count from the first record of this shard. */
function supervisorPatch(
  before: ReadonlyMap<string, Entry>,
  after: ReadonlyMap<string, Entry>,
): PatchOperation[] {
  const patch: PatchOperation[] = [];
  let at = 0;
  for (const node of [...new Set([...before.keys(), ...after.keys()])].toSorted()) {
    const old = before.get(node);
    const entry = after.get(node);
    if (old !== entry) patch.push(...recordsPatch(old?.records ?? [], entry?.records ?? [], at));
    at += entry?.records.length ?? 0;
  }
  return patch;
}

function recordsPatch(
  before: readonly SupervisorRecord[],
  after: readonly SupervisorRecord[],
  at: number,
): PatchOperation[] {
  const isOther = after.findIndex((record, index) => before[index]?.descriptor.id !== record.descriptor.id);
  const same = isOther < 0 ? after.length : isOther;
  return [
    ...after
      .slice(0, same)
      .flatMap((record, index) => diff(before[index], record, `/runtimes/${at + index}`)),
    ...before.slice(same).map((): PatchOperation => ({ op: 'remove', path: `/runtimes/${at + same}` })),
    ...after
      .slice(same)
      .map((value, index): PatchOperation => ({ op: 'add', path: `/runtimes/${at + same + index}`, value })),
  ];
}
