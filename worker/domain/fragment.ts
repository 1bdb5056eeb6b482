// Owns a shard's part of a view: JSON text for each node that is shown, in the order of their names.

import { matchesNode, matchesRuntime, type Filter } from './filter.ts';
import { isStale } from './freshness.ts';
import { itemText, recordTexts } from './ready-text.ts';
import type { NodeView, ViewTime } from './view.ts';

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

/** The nodes that are shown, without their texts: those are made when they are wanted. */
export function shownNodes(views: Iterable<NodeView>, query: CutQuery, time: ViewTime): NodeView[] {
  const after = query.page?.after;
  return [...views]
    .filter((view) => after === undefined || view.snapshot.target > after)
    .filter((view) => matchesNode(view, query.filter, time))
    .toSorted((a, b) => (a.snapshot.target < b.snapshot.target ? -1 : 1))
    .slice(0, query.page?.limit);
}

/** The fragments of nodes that are shown, one after the other; a node of which nothing is shown has none. */
export function* fragmentsOf(
  shown: Iterable<NodeView>,
  query: CutQuery,
  time: ViewTime,
): Generator<Fragment, undefined> {
  for (const view of shown) {
    const text = textOf(view, query, time);
    if (text !== '') yield { node: view.snapshot.target, text };
  }
}

function textOf(view: NodeView, query: CutQuery, time: ViewTime): string {
  switch (query.view) {
    case 'full':
    case 'summary':
      return itemText(view, time, query.view === 'summary');
    case 'supervisor': {
      const stale = isStale(view, time.ttlSeconds, time.now);
      const { runtimes } = view.snapshot;
      return recordTexts(view, time)
        .filter((_text, index) => {
          const record = runtimes[index];
          return record !== undefined && matchesRuntime(record, query.filter, stale);
        })
        .join(',');
    }
    default:
      return query.view satisfies never;
  }
}
