// The Grafana dashboard and the alerts of the docs: every expression is PromQL, and asks for metrics and labels that the
// hub has.

import { readFile } from 'node:fs/promises';
import { describe, expect, test } from 'vitest';
import { CellBook, merged } from '../../worker/domain/cell-book.ts';
import { noEndedJobs, noOpenJobs, noSnapshots } from '../../worker/domain/counters.ts';
import { metricFamilies } from '../../worker/domain/metrics.ts';
import { panelsOf, readDashboard, variableQueries } from '../support/grafana.ts';
import { askedBy } from '../support/promql.ts';
import { runtimeRecord, snapshot } from '../support/snapshot.ts';

/** Labels that Prometheus itself adds to what it scrapes. */
const OF_PROMETHEUS = ['job', 'instance'];

/** What the panels leave to whoever wants it. */
const QUIET = new Set([
  'arw_hub_info',
  'arw_ttl_seconds',
  'arw_runtimes_draining',
  'arw_cells',
  'arw_cells_folded',
  'arw_cell_nodes',
]);

const NOW = 1_800_000_000_000;
const served = familiesOfAHub();

function familiesOfAHub(): Map<string, Set<string>> {
  const record = runtimeRecord({ model: 'm' });
  record.status.health = {
    latency_ms: 1,
    capacity: 4,
    inflight_jobs: 1,
    queued_jobs: 0,
    request_count: 9,
    error_count: 1,
    predicted_tokens_per_second: 40,
  };
  const book = new CellBook();
  book.sync([{ snapshot: snapshot({ runtimes: [record] }), receivedAt: NOW }], () => true, {
    ttlSeconds: 60,
    now: NOW,
  });
  const shard = {
    startedAt: NOW,
    snapshots: { socket: noSnapshots(), post: noSnapshots() },
    uplinks: 1,
    commandsOpen: noOpenJobs(),
    commandsEnded: noEndedJobs(),
  };
  const families = metricFamilies({
    version: '1.2.3',
    ttlSeconds: 60,
    ...merged([book.report()]),
    shards: [['shard-0', shard]],
    fleet: {
      startedAt: NOW,
      calls: { credentials: 5 },
      alerts: [{ alert: 'ops', open: 2, queued: 1, delivered: 12, dropped: 3 }],
    },
  });
  const told = families.map(({ name, samples }) => ({
    name,
    samples: samples.filter(({ value }) => value !== undefined),
  }));
  return new Map(
    told
      .filter(({ samples }) => samples.length > 0)
      .map(({ name, samples }) => [name, new Set(samples.flatMap(({ labels = {} }) => Object.keys(labels)))]),
  );
}

function unserved(expression: string): string[] {
  const { metrics, labels } = askedBy(expression);
  const known = new Set([...OF_PROMETHEUS, ...metrics.flatMap((metric) => [...(served.get(metric) ?? [])])]);
  return [...metrics.filter((metric) => !served.has(metric)), ...labels.filter((label) => !known.has(label))];
}

describe('the dashboard', async () => {
  const dashboard = await readDashboard();
  const panels = panelsOf(dashboard);

  test.each(
    panels.flatMap(({ title, targets }) =>
      targets.map(({ expr, legendFormat }) => ({ title, expr, legendFormat })),
    ),
  )('$title: $expr', ({ expr, legendFormat }) => {
    expect(unserved(expr)).toEqual([]);
    const { labels } = askedBy(expr);
    for (const [, label] of legendFormat.matchAll(/\{\{(\w+)\}\}/g))
      expect([...labels, 'object']).toContain(label);
  });

  test('asks its variables of what is served, and uses each of them', () => {
    const queries = variableQueries(dashboard);
    expect(queries.map(({ label }) => label)).toEqual(['job', 'model', 'hardware', 'sandbox']);
    for (const { metric, label } of queries) expect(unserved(`${metric}{${label}="a"}`)).toEqual([]);
    const text = JSON.stringify(panels);
    for (const { name } of dashboard.templating.list) expect(text).toMatch(new RegExp(`\\$\\{?${name}\\b`));
    for (const [, name] of text.matchAll(/"\$\{?(?!__)(\w+)/g)) {
      expect(dashboard.templating.list.map((variable) => variable.name)).toContain(name);
    }
  });

  test('shows every family of metrics that has a figure', () => {
    const shown = new Set(
      panels.flatMap(({ targets }) => targets.flatMap(({ expr }) => askedBy(expr).metrics)),
    );
    expect([...served.keys()].filter((name) => !shown.has(name) && !QUIET.has(name))).toEqual([]);
  });

  test('has each id once, and no panel over another', () => {
    const ids = dashboard.panels.map(({ id }) => id);
    expect(new Set(ids).size).toBe(ids.length);
    const fields = new Set<string>();
    for (const { gridPos } of dashboard.panels) {
      expect(gridPos.x + gridPos.w).toBeLessThanOrEqual(24);
      for (let column = gridPos.x; column < gridPos.x + gridPos.w; column += 1) {
        for (let line = gridPos.y; line < gridPos.y + gridPos.h; line += 1) {
          expect(fields.has(`${column} ${line}`)).toBe(false);
          fields.add(`${column} ${line}`);
        }
      }
    }
  });
});

test("the docs' alerts ask for what is served", async () => {
  const text = await readFile(new URL('../../docs/operations.md', import.meta.url), 'utf8');
  const expressions = [...text.matchAll(/^\s+expr: (.+)$/gm)].map(([, expression = '']) => expression);
  expect(expressions.length).toBeGreaterThan(3);
  for (const expression of expressions) expect(unserved(expression)).toEqual([]);
});
