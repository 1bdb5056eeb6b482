// Owns the JSON text of what a view shows of one node. What lasts as long as the node's last word is made once and kept
// with it; what the clock moves is small and made for each cut.

import type { Snapshot } from '../../contract/snapshot.ts';
import { expiresAt, isStale } from './freshness.ts';
import {
  matrixItem,
  passingMembers,
  supervisorRecords,
  unknownStatus,
  type NodeView,
  type ViewTime,
} from './view.ts';

/** Texts of members without brackets around: of the item, or of each record. */
type Texts = Partial<Record<'full' | 'summary' | 'records', readonly string[]>>;

/** The texts hold when the node was heard, which can become later without another snapshot. */
type Lasting = { receivedAt: number; endsAt: number; texts: Texts };

/** An accepted snapshot is never changed, only replaced: what was made of it goes with it. */
const whileFresh = new WeakMap<Snapshot, Lasting>();
const whileStale = new WeakMap<Snapshot, Lasting>();

/** `"<node>":{…}`: the same members as `matrixItem` has. */
export function itemText(view: NodeView, time: ViewTime, summary: boolean): string {
  const passing = passingMembers(view, time);
  const [lasting = ''] = lastingTexts(view, time, summary ? 'summary' : 'full', () => {
    const item = { ...matrixItem(view, time, summary) };
    for (const name of Object.keys(passing)) delete item[name];
    return [item];
  });
  return `${JSON.stringify(view.snapshot.target)}:{${lasting},${members(passing)}}`;
}

/** `{…}` for each runtime: the same as `supervisorRecords` has. */
export function recordTexts(view: NodeView, time: ViewTime): string[] {
  const stale = isStale(view, time.ttlSeconds, time.now);
  const lasting = lastingTexts(view, time, 'records', () =>
    supervisorRecords(view, time).map(({ status, ...rest }) => (stale ? rest : { ...rest, status })),
  );
  if (!stale) return lasting.map((text) => `{${text}}`);
  return view.snapshot.runtimes.map(({ status }, index) => {
    const passing = { status: unknownStatus(view, status, time) };
    return `{${lasting[index] ?? ''},${members(passing)}}`;
  });
}

function lastingTexts(
  { snapshot, ...heard }: NodeView,
  { ttlSeconds, now }: ViewTime,
  kind: keyof Texts,
  make: () => readonly object[],
): readonly string[] {
  const { receivedAt } = heard;
  const endsAt = expiresAt(heard, ttlSeconds);
  const book = now < endsAt ? whileFresh : whileStale;
  let lasting = book.get(snapshot);
  if (lasting?.receivedAt !== receivedAt || lasting.endsAt !== endsAt) {
    lasting = { receivedAt, endsAt, texts: {} };
    book.set(snapshot, lasting);
  }
  return (lasting.texts[kind] ??= make().map(members));
}

/** The text of an object without its brackets; never of an empty one. */
function members(of: object): string {
  return JSON.stringify(of).slice(1, -1);
}
