// Owns a shard's part of a view: JSON text for each node that is shown, in the order of their names.

import { matchesNode, matchesRuntime, type Filter } from './filter.ts';
import { isStale } from './freshness.ts';
import { matrixItem, supervisorRecords, type NodeView, type ViewTime } from './view.ts';

/** A view that is asked for. `page` bounds it to nodes after `after`. */
export type CutQuery = {
  view: 'full' | 'summary' | 'supervisor';
  filter: Filter;
  page?: { limit?: number; after?: string };
};

/** True for the views that may be patched: everything, whole. */
export function isWhole({ view, filter, page }: CutQuery): boolean {
  return view !== 'summary' && page === undefined && Object.keys(filter).length === 0;
}

/** One node's member of the matrix, or its elements of the supervisor view, without brackets around. */
export type Fragment = { node: string; text: string };

export function fragmentsOf(views: Iterable<NodeView>, query: CutQuery, time: ViewTime): Fragment[] {
  const after = query.page?.after;
  return [...views]
    .filter((view) => after === undefined || view.snapshot.target > after)
    .filter((view) => matchesNode(view, query.filter, time))
    .toSorted((a, b) => (a.snapshot.target < b.snapshot.target ? -1 : 1))
    .slice(0, query.page?.limit)
    .map((view) => ({ node: view.snapshot.target, text: textOf(view, query, time) }))
    .filter(({ text }) => text !== '');
}

function textOf(view: NodeView, query: CutQuery, time: ViewTime): string {
  switch (query.view) {
    case 'full':
    case 'summary': {
      const item = matrixItem(view, time, query.view === 'summary');
      return `${JSON.stringify(view.snapshot.target)}:${JSON.stringify(item)}`;
    }
    case 'supervisor': {
      const stale = isStale(view, time.ttlSeconds, time.now);
      const shown = { ...view, snapshot: { ...view.snapshot } };
      shown.snapshot.runtimes = view.snapshot.runtimes.filter((record) =>
        matchesRuntime(record, query.filter, stale),
      );
      return supervisorRecords(shown, time)
        .map((record) => JSON.stringify(record))
        .join(',');
    }
    default:
      return query.view satisfies never;
  }
}
