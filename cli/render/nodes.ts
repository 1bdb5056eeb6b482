// Owns the text of `node list`: the registry and what is heard of its nodes in, lines out.

import type { Matrix, Nodes } from '../../contract/read-models.ts';
import { paragraph, styled, type Line, type Words } from './line.ts';
import { styleOfCode } from './styles.ts';
import { block } from './table.ts';
import { toSeconds } from './time.ts';

export const NO_NODES = 'Make a token for the first host with "arw-cli join-token".';
export const NEVER_HEARD = 'not heard, or not for a long time';

/** @param columns the width of the terminal; undefined where there is none, and lines keep their length. */
export function renderNodes(nodes: Nodes['nodes'], matrix: Matrix, columns: number | undefined): Line[] {
  return [
    ...paragraph(`Nodes: ${nodes.length} enrolled, as of ${toSeconds(matrix.updated)}`, columns),
    ...(nodes.length === 0 ? paragraph(NO_NODES, columns) : []),
    ...block(
      nodes.map(({ node, enrolled_at }) => [
        node,
        `enrolled ${toSeconds(enrolled_at)}`,
        heardWords(matrix.items[node]),
      ]),
      columns,
    ).flat(),
  ];
}

/** A node that is not in the matrix never reported, or has been silent for longer than the hub keeps. */
function heardWords(item: Matrix['items'][string] | undefined): Words {
  if (item === undefined) return styled('warn', NEVER_HEARD);
  const status = styled(styleOfCode(item.status.code), item.status.label);
  return item.stale ? status : [`heard ${Math.round(item.age_seconds)} s ago, `, status];
}
