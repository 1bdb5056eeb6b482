// Owns the text of `node list`: the registry and what is heard of its nodes in, lines out.

import type { Matrix, Nodes } from '../../contract/read-models.ts';
import { block, fit } from './table.ts';
import { toSeconds } from './time.ts';

/** @param columns the width of the terminal; undefined where there is none, and lines keep their length. */
export function renderNodes(nodes: Nodes['nodes'], matrix: Matrix, columns: number | undefined): string {
  const lines = [
    `Nodes: ${nodes.length} enrolled, as of ${toSeconds(matrix.updated)}`,
    ...(nodes.length === 0 ? ['Make a token for the first host with "arw-cli join-token".'] : []),
    ...block(
      nodes.map(({ node, enrolled_at }) => [
        node,
        `enrolled ${toSeconds(enrolled_at)}`,
        heardWords(matrix.items[node]),
      ]),
    ),
  ];
  return `${lines.map((line) => fit(line, columns)).join('\n')}\n`;
}

/** A node that is not in the matrix never reported, or has been silent for longer than the hub keeps. */
function heardWords(item: Matrix['items'][string] | undefined): string {
  if (item === undefined) return 'not heard, or not for a long time';
  return item.stale ? item.status.label : `heard ${Math.round(item.age_seconds)} s ago, ${item.status.label}`;
}
