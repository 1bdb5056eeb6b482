// The screen of --watch, what the doctor judges, and the tables, as text.

import * as fc from 'fast-check';
import stringWidth from 'string-width';
import { expect, test } from 'vitest';
import type { Grid, GridCell } from '../../contract/grid.ts';
import type { Matrix } from '../../contract/read-models.ts';
import { statusFromReasons } from '../../contract/status.ts';
import { judgeClock, judgeNodes, judgeVersion } from '../../cli/doctor/judge.ts';
import { renderFindings } from '../../cli/render/findings.ts';
import { renderGrid } from '../../cli/render/grid.ts';
import { toText, type Line } from '../../cli/render/line.ts';
import { ageWords, renderNodeTable } from '../../cli/render/node-table.ts';
import { fitted, Screen } from '../../cli/terminal/screen.ts';
import { holds } from '../support/property.ts';
import { snapshot } from '../support/snapshot.ts';

const AT = '2026-11-22T12:00:00.000Z';

function tooWide(lines: readonly Line[], columns: number): string[] {
  return toText(lines)
    .split('\n')
    .filter((line) => stringWidth(line) > columns);
}

test('a screen is written over, never cleared first, and given back once', () => {
  const written: string[] = [];
  const screen = new Screen({ write: (text: string) => written.push(text), rows: 3, columns: 10 });
  screen.leave();
  screen.draw(['a', 'b']);
  screen.draw(['c', '\u001B[31m0123456789\u001B[39m']);
  screen.leave();
  screen.leave();
  expect(written).toEqual([
    '\u001B[?1049h\u001B[?25l',
    '\u001B[?2026h\u001B[Ha\u001B[K\r\nb\u001B[K\u001B[J\u001B[?2026l',
    '\u001B[?2026h\u001B[Hc\u001B[K\r\n\u001B[31m0123456789\u001B[39m\u001B[J\u001B[?2026l',
    '\u001B[?25h\u001B[?1049l',
  ]);
});

test('lines that the screen has no room for are counted', () => {
  expect(fitted(['a', 'b', 'c'], 3)).toEqual(['a', 'b', 'c']);
  expect(fitted(['a', 'b', 'c', 'd'], 3)).toEqual(['a', 'b', '… 2 more lines']);
});

const LIVE = { received_at: AT, expires_at: AT, age_seconds: 2.4, stale: false, uplink: 'open' as const };
const GIB = 1024 ** 3;
const MATRIX: Matrix = {
  items: {
    'gpu-01': {
      ...snapshot(),
      ...LIVE,
      host: {
        os: 'linux',
        arch: 'x64',
        cpus: 2,
        load_ratio: 0.4,
        memory_total_bytes: 64 * GIB,
        memory_used_bytes: 5.5 * GIB,
      },
    },
    old: {
      ...snapshot({ node: 'old' }),
      ...LIVE,
      age_seconds: 800,
      stale: true,
      status: { ...statusFromReasons([]), code: 'offline', label: 'Offline - No heartbeat for 13 min' },
    },
  },
  ttl_seconds: 60,
  updated: AT,
  version: 1,
};
const NODES = ['gpu-01', 'new', 'old'].map((node) => ({ node, enrolled_at: AT }));

test('nodes: how fresh, how loaded, what runs; what a silent host last said is no figure of now', () => {
  expect(toText(renderNodeTable(NODES, MATRIX, undefined)).split('\n')).toEqual([
    'Nodes: 3 enrolled, 1 heard within the TTL, as of 2026-11-22T12:00:00Z',
    'ttl_seconds 60 (past it: old)',
    '  NODE         HEARD  RUNTIMES   LOAD      MEMORY  UPLINK  STATUS',
    '  gpu-01     2 s ago  1/1 ready  40 %  5.5/64 GiB  open    Ready - Runtime telemetry nominal',
    '  new          never                                       not heard, or not for a long time',
    '  old     13 min ago                               open    Offline - No heartbeat for 13 min',
    '',
  ]);
  expect([119, 120, 7200, 172_800].map(ageWords)).toEqual(['119 s', '2 min', '2 h', '2 d']);
});

function cell(change: Partial<GridCell>): GridCell {
  const sums = { nodes: 1, runtimes: 2, states: { ready: 1, error: 1 }, silent: 0, draining: 0 };
  return {
    hardware: 'GPU (CUDA) · H100 80GB',
    sandbox: 'none',
    status: statusFromReasons([]),
    ...sums,
    model_states: {},
    ...change,
  };
}

function gridOf(cells: GridCell[]): Grid {
  const totals = {
    cells: cells.length,
    nodes: 2,
    runtimes: 3,
    states: { ready: 2, error: 1 },
    silent: 0,
    draining: 0,
  };
  return {
    cells,
    totals: { ...totals, stale_nodes: 1, capacity: 8 },
    ttl_seconds: 60,
    updated: AT,
    version: 1,
  };
}

test('the grid: cells with their figures, blank where nobody told one, and why a cell is not well', () => {
  const degraded = statusFromReasons([{ severity: 'warn', text: '1 of 2 runtimes in error' }]);
  const cells = [
    cell({
      model: 'llama',
      status: degraded,
      capacity: 4,
      inflight: 2,
      queued: 1,
      predicted_tokens_per_second: 43.21,
    }),
    cell({ hardware: 'CPU', sandbox: 'bwrap' }),
  ];
  expect(toText(renderGrid(gridOf(cells), undefined)).split('\n')).toEqual([
    'Grid: 2 cells, as of 2026-11-22T12:00:00Z',
    'Fleet: 3 runtimes (2 ready, 1 error) on 2 nodes, unknown of 8 slots busy',
    'ttl_seconds 60 (1 node past it)',
    '  MODEL            HARDWARE                SANDBOX  STATUS    READY  BUSY    TOK/S  ERRORS  LATENCY',
    '  llama            GPU (CUDA) · H100 80GB  none     Degraded    1/2  2/4 +1   43.2',
    '    - 1 of 2 runtimes in error',
    '  (no model told)  CPU                     bwrap    Ready       1/2',
    '',
  ]);
});

test('no line of a table, of the grid or of the doctor is wider than the terminal', () => {
  const name = fc.oneof(
    fc.string({ unit: 'grapheme', minLength: 1, maxLength: 60 }),
    fc.constant('模型-通义千问-7b'),
  );
  holds(
    fc.property(fc.array(name, { maxLength: 5 }), fc.integer({ min: 16, max: 140 }), (names, columns) => {
      const status = statusFromReasons(names.map((text) => ({ severity: 'warn' as const, text })));
      const cells = names.map((model) => cell({ model, hardware: `GPU · ${model}`, status }));
      expect(tooWide(renderGrid(gridOf(cells), columns), columns)).toEqual([]);
      expect(tooWide(renderNodeTable(NODES, MATRIX, columns), columns)).toEqual([]);
      const findings = names.map((what) => ({ check: 'node', status: 'fail' as const, what, remedy: what }));
      expect(tooWide(renderFindings(findings, columns), columns)).toEqual([]);
    }),
    100,
  );
});

test.each([
  ['Sun, 22 Nov 2026 12:00:00 GMT', 0, 'ok', 'agrees with the hub'],
  ['Sun, 22 Nov 2026 12:00:30 GMT', 0, 'warn', 'this host is 30 s behind the hub'],
  ['Sun, 22 Nov 2026 11:58:00 GMT', 0, 'fail', 'this host is 119 s ahead of the hub'],
  [undefined, 0, 'skipped', 'the hub does not tell its time'],
])('the clock of a hub that says %s', (date, tookMs, status, what) => {
  const atMs = Date.parse(AT);
  expect(judgeClock(date, atMs, atMs + tookMs)).toMatchObject({ status, what });
});

test('versions, silent nodes and nodes that were never heard are judged with what to do', () => {
  expect(judgeVersion('0.1.0', '0.1.9').status).toBe('ok');
  expect(judgeVersion('0.1.0', '0.2.0')).toMatchObject({
    status: 'warn',
    remedy: 'install the same version on both sides',
  });
  expect(judgeNodes(NODES, MATRIX).map(({ check, status }) => `${status} ${check}`)).toEqual([
    'ok ttl',
    'ok nodes',
    'fail node old',
    'warn node new',
  ]);
  expect(judgeNodes([], { ...MATRIX, items: {} })[1]).toMatchObject({
    status: 'warn',
    what: 'no node is enrolled',
  });
});
