// Owns the table of `arw-cli nodes`: who is enrolled, how fresh it is against the TTL, and how its host fares.

import type { Matrix, MatrixItem, Nodes } from '../../contract/read-models.ts';
import { paragraph, styled, type Line, type Words } from './line.ts';
import { NEVER_HEARD, NO_NODES } from './nodes.ts';
import { ttlWords } from './status.ts';
import { styleOfCode } from './styles.ts';
import { table, type Column } from './table.ts';
import { toSeconds } from './time.ts';

const COLUMNS: readonly Column[] = [
  { title: 'NODE', min: 20, cut: 'inside' },
  { title: 'HEARD', align: 'right' },
  { title: 'RUNTIMES' },
  { title: 'LOAD', align: 'right', drop: 2 },
  { title: 'MEMORY', align: 'right', drop: 3 },
  { title: 'UPLINK', drop: 4 },
  { title: 'STATUS', min: 20, cut: 'wrap' },
];

const GIB = 1024 ** 3;

export function renderNodeTable(nodes: Nodes['nodes'], matrix: Matrix, columns: number | undefined): Line[] {
  const heard = nodes.filter(({ node }) => matrix.items[node]?.stale === false).length;
  const head = [
    `Nodes: ${nodes.length} enrolled, ${heard} heard within the TTL, as of ${toSeconds(matrix.updated)}`,
    ttlWords(matrix),
    ...(nodes.length === 0 ? [NO_NODES] : []),
  ].flatMap((text) => paragraph(text, columns));
  const rows = nodes.map(({ node }) => cells(node, matrix.items[node]));
  return [...head, ...table(COLUMNS, rows, columns)];
}

function cells(node: string, item: MatrixItem | undefined): Words[] {
  if (item === undefined) return [node, 'never', '', '', '', '', styled('warn', NEVER_HEARD)];
  const { host, runtime, status } = item;
  const { memory_used_bytes: used, memory_total_bytes: total } = host;
  const ready = runtime.states?.['ready'] ?? 0;
  // What a silent host last said of its load is no figure of now.
  const live = <T extends Words>(words: T): T | '' => (item.stale ? '' : words);
  return [
    node,
    styled(item.stale ? 'bad' : undefined, `${ageWords(item.age_seconds)} ago`),
    live(`${ready}/${runtime.total} ready`),
    live(host.load_ratio === undefined ? '' : `${Math.round(host.load_ratio * 100)} %`),
    live(used === undefined || total === undefined ? '' : `${gib(used)}/${gib(total)} GiB`),
    item.uplink,
    styled(styleOfCode(status.code), status.label),
  ];
}

/** In the largest unit that says enough: `75 s`, `12 min`, `3 h`, `9 d`. */
export function ageWords(seconds: number): string {
  if (seconds < 120) return `${Math.round(seconds)} s`;
  if (seconds < 7200) return `${Math.floor(seconds / 60)} min`;
  return seconds < 172_800 ? `${Math.floor(seconds / 3600)} h` : `${Math.floor(seconds / 86_400)} d`;
}

function gib(bytes: number): string {
  const value = bytes / GIB;
  return value < 10 ? value.toFixed(1) : String(Math.round(value));
}
