// The text that Prometheus scrapes, read by a parser that others wrote.

import parsePrometheus from 'parse-prometheus-text-format';
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { CellBook, merged } from '../../worker/domain/cell-book.ts';
import { noEndedJobs, noOpenJobs, noSnapshots, type ShardCounters } from '../../worker/domain/counters.ts';
import { exposition, type Family } from '../../worker/domain/exposition.ts';
import { METRIC_CELLS_MAX } from '../../worker/domain/cell-metrics.ts';
import { metricFamilies } from '../../worker/domain/metrics.ts';
import { holds } from '../support/property.ts';
import { runtimeRecord, snapshot } from '../support/snapshot.ts';

const NOW = 1_800_000_000_000;

function sampleOf(text: string, name: string, labels: Record<string, string> = {}): string | undefined {
  const family = parsePrometheus(text).find((parsed) => parsed.name === name);
  return family?.metrics.find((metric) => sameLabels(metric.labels ?? {}, labels))?.value;
}

function sameLabels(a: Record<string, string>, b: Record<string, string>): boolean {
  const names = Object.keys(a);
  return names.length === Object.keys(b).length && names.every((name) => a[name] === b[name]);
}

describe('the text format', () => {
  test('is lines with their help and type', () => {
    const families: Family[] = [
      {
        name: 'a_total',
        help: 'What\nis \\ counted.',
        type: 'counter',
        samples: [{ labels: { x: '1' }, value: 3 }, { value: undefined }],
      },
      { name: 'unknown', help: 'Nobody told.', type: 'gauge', samples: [{ value: undefined }] },
      { name: 'b', help: 'Odd.', type: 'gauge', samples: [{ value: Number.POSITIVE_INFINITY }] },
    ];
    expect(exposition(families)).toBe(
      [
        String.raw`# HELP a_total What\nis \\ counted.`,
        '# TYPE a_total counter',
        'a_total{x="1"} 3',
        '# HELP b Odd.',
        '# TYPE b gauge',
        'b +Inf',
        '',
      ].join('\n'),
    );
  });

  test('is read by a parser as what was written, whatever is in a label', () => {
    // The parser trims the ends of a line, and knows no empty label value.
    const value = fc
      .string({
        unit: fc.constantFrom('a', '"', '\\', '\n', '{', '}', ',', '=', ' ', 'é', '·'),
        minLength: 1,
      })
      .map((text) => `<${text}>`);
    holds(
      fc.property(value, fc.float({ noNaN: true, noDefaultInfinity: true }), (label, number) => {
        const samples = [{ labels: { label, other: 'x' }, value: number }];
        const text = exposition([{ name: 'm', help: 'h', type: 'gauge', samples }]);
        expect(parsePrometheus(text)).toEqual([
          {
            name: 'm',
            help: 'h',
            type: 'GAUGE',
            metrics: [{ value: String(number), labels: { label, other: 'x' } }],
          },
        ]);
      }),
    );
  });
});

function counters(change: Partial<ShardCounters> = {}): ShardCounters {
  return {
    startedAt: NOW,
    snapshots: { socket: { ...noSnapshots(), accepted: 7 }, post: noSnapshots() },
    uplinks: 2,
    commandsOpen: { ...noOpenJobs(), queued: 1 },
    commandsEnded: { ...noEndedJobs(), completed: 4 },
    ...change,
  };
}

function metricsOf(book: CellBook): string {
  const families = metricFamilies({
    version: '1.2.3',
    ttlSeconds: 60,
    ...merged([book.report()]),
    shards: [
      ['shard-0', counters()],
      ['shard-1', counters({ uplinks: 3 })],
    ],
    fleet: {
      startedAt: NOW,
      calls: { credentials: 5 },
      alerts: [{ alert: 'ops', open: 2, queued: 1, delivered: 12, dropped: 3 }],
    },
  });
  return exposition(families);
}

function bookOf(models: readonly string[]): CellBook {
  const book = new CellBook();
  const runtimes = models.map((model, index) => runtimeRecord({ id: `r${index}`, model }));
  const [first] = runtimes;
  if (first !== undefined) first.status.health = { capacity: 4, inflight_jobs: 1, latency_ms: 250 };
  book.sync([{ snapshot: snapshot({ runtimes }), receivedAt: NOW }], () => true, {
    ttlSeconds: 60,
    now: NOW,
  });
  return book;
}

describe('the metrics', () => {
  const text = metricsOf(bookOf(['m0', 'm1']));
  const m0 = { model: 'm0', hardware: 'CPU · Test', sandbox: 'none' };

  test.each([
    ['arw_hub_info', { version: '1.2.3' }, '1'],
    ['arw_ttl_seconds', {}, '60'],
    ['arw_nodes', { freshness: 'fresh' }, '1'],
    ['arw_nodes', { freshness: 'stale' }, '0'],
    ['arw_runtimes', { state: 'ready' }, '2'],
    ['arw_runtimes', { state: 'error' }, '0'],
    ['arw_restarts_max', {}, '6'],
    ['arw_restarts_remaining', {}, '6'],
    ['arw_restarts_exhausted_runtimes', {}, '0'],
    ['arw_cells', {}, '2'],
    ['arw_cells_folded', {}, '0'],
    ['arw_cell_runtimes', { ...m0, state: 'ready' }, '1'],
    ['arw_cell_capacity', m0, '4'],
    ['arw_cell_load_ratio', m0, '0.25'],
    ['arw_cell_latency_seconds', m0, '0.25'],
    ['arw_snapshots_total', { object: 'shard-0', transport: 'socket', result: 'accepted' }, '7'],
    ['arw_uplinks', { object: 'shard-1' }, '3'],
    ['arw_commands_open', { object: 'shard-0', state: 'queued' }, '1'],
    ['arw_commands_ended_total', { object: 'shard-1', state: 'completed' }, '4'],
    ['arw_object_start_time_seconds', { object: 'fleet' }, String(NOW / 1000)],
    ['arw_fleet_calls_total', { object: 'fleet', call: 'credentials' }, '5'],
    ['arw_alert_open', { alert: 'ops' }, '2'],
    ['arw_alert_messages_queued', { alert: 'ops' }, '1'],
    ['arw_alert_items_total', { alert: 'ops', result: 'delivered' }, '12'],
    ['arw_alert_items_total', { alert: 'ops', result: 'dropped' }, '3'],
  ])('tell %s %j', (name, labels, value) => {
    expect(sampleOf(text, name, labels)).toBe(value);
  });

  test('have no sample for what is not known', () => {
    expect(sampleOf(text, 'arw_cell_capacity', { ...m0, model: 'm1' })).toBeUndefined();
    expect(text).not.toContain('arw_cell_error_ratio');
  });

  test('name a family once, and no series twice', () => {
    const families = parsePrometheus(text);
    expect(new Set(families.map(({ name }) => name)).size).toBe(families.length);
    const series = text.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
    const names = series.map((line) => line.slice(0, line.lastIndexOf(' ')));
    expect(new Set(names).size).toBe(names.length);
  });

  test('tell so many cells, and the smallest beyond them together', () => {
    const many = Array.from({ length: METRIC_CELLS_MAX + 20 }, (_, index) => `m${index}`);
    const folded = metricsOf(bookOf([...many, ...many.slice(0, 5)]));
    const other = { model: 'other', hardware: 'other', sandbox: 'other' };
    expect(sampleOf(folded, 'arw_cells', {})).toBe(String(METRIC_CELLS_MAX + 20));
    expect(sampleOf(folded, 'arw_cells_folded', {})).toBe('20');
    expect(sampleOf(folded, 'arw_cell_runtimes', { ...other, state: 'ready' })).toBe('20');
    expect(sampleOf(folded, 'arw_cell_runtimes', { ...m0, state: 'ready' })).toBe('2');
    const cells = parsePrometheus(folded).find(({ name }) => name === 'arw_cell_nodes');
    expect(cells?.metrics).toHaveLength(METRIC_CELLS_MAX + 1);
  });

  test('of an empty fleet are still metrics', () => {
    const empty = metricsOf(new CellBook());
    expect(sampleOf(empty, 'arw_nodes', { freshness: 'fresh' })).toBe('0');
    expect(empty).not.toContain('arw_restarts_max');
  });
});
