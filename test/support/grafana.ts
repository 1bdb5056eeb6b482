// Owns the Grafana dashboard of docs/grafana as tests read it.

import { readFile } from 'node:fs/promises';
import * as v from 'valibot';

const FILE = new URL('../../docs/grafana/runtime-matrix.json', import.meta.url);

const PlaceSchema = v.object({
  h: v.pipe(v.number(), v.integer(), v.minValue(1)),
  w: v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(24)),
  x: v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(23)),
  y: v.pipe(v.number(), v.integer(), v.minValue(0)),
});
const SourceSchema = v.object({ type: v.literal('prometheus'), uid: v.literal('${datasource}') });
const TargetSchema = v.looseObject({
  refId: v.pipe(v.string(), v.regex(/^[A-Z]$/)),
  datasource: SourceSchema,
  expr: v.string(),
  legendFormat: v.string(),
});
const RowSchema = v.looseObject({
  id: v.number(),
  type: v.literal('row'),
  title: v.pipe(v.string(), v.minLength(1)),
  gridPos: PlaceSchema,
  panels: v.tuple([]),
});
const PanelSchema = v.looseObject({
  id: v.number(),
  type: v.picklist(['stat', 'timeseries', 'table']),
  title: v.pipe(v.string(), v.minLength(1)),
  description: v.pipe(v.string(), v.minLength(1)),
  datasource: SourceSchema,
  gridPos: PlaceSchema,
  targets: v.pipe(v.array(TargetSchema), v.minLength(1)),
  fieldConfig: v.looseObject({
    defaults: v.looseObject({ unit: v.string() }),
    overrides: v.array(v.unknown()),
  }),
  options: v.looseObject({}),
});

/** Of Grafana's dashboard model what it cannot do without, since version 10. */
const DashboardSchema = v.looseObject({
  id: v.null(),
  uid: v.string(),
  title: v.string(),
  schemaVersion: v.pipe(v.number(), v.minValue(36)),
  time: v.object({ from: v.string(), to: v.string() }),
  templating: v.object({ list: v.array(v.looseObject({ name: v.string(), type: v.string() })) }),
  panels: v.array(v.variant('type', [RowSchema, PanelSchema])),
});
export type Dashboard = v.InferOutput<typeof DashboardSchema>;
export type Panel = v.InferOutput<typeof PanelSchema>;

export async function readDashboard(): Promise<Dashboard> {
  return v.parse(DashboardSchema, JSON.parse(await readFile(FILE, 'utf8')));
}

export function panelsOf({ panels }: Dashboard): Panel[] {
  return panels.filter((panel) => panel.type !== 'row');
}

/** Queries of variables: `label_values(metric, label)`. */
export function variableQueries({ templating }: Dashboard): { metric: string; label: string }[] {
  return templating.list.flatMap((variable) => {
    const [, metric, label] = /^label_values\((\w+), (\w+)\)$/.exec(String(variable['definition'])) ?? [];
    return metric === undefined || label === undefined ? [] : [{ metric, label }];
  });
}
