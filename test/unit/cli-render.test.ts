// What the command line says: the end of a job, a runtime that drains, models by their states, 80 columns.

import { PassThrough } from 'node:stream';
import * as fc from 'fast-check';
import stringWidth from 'string-width';
import { describe, expect, test } from 'vitest';
import { ALERT_KINDS, type Alert } from '../../contract/alerts.ts';
import { COMMAND_KINDS, type CommandKind, type Job } from '../../contract/command.ts';
import type { Matrix, SupervisorRecord } from '../../contract/read-models.ts';
import type { Model } from '../../contract/runtime-record.ts';
import { isConfirmed } from '../../cli/terminal/confirm.ts';
import { withoutControl } from '../../cli/output.ts';
import { renderAlert, renderAlerts } from '../../cli/render/alerts.ts';
import { budgetWords } from '../../cli/render/budget.ts';
import { endWords } from '../../cli/render/job-end.ts';
import { renderJobs } from '../../cli/render/jobs.ts';
import { lineWidth, toText } from '../../cli/render/line.ts';
import { renderNodes } from '../../cli/render/nodes.ts';
import { renderStatus } from '../../cli/render/status.ts';
import { holds } from '../support/property.ts';
import { emptyBudget, fullBudget, runtimeRecord, snapshot } from '../support/snapshot.ts';

const AT = '2026-11-22T12:00:00.000Z';
const HEARD = { received_at: AT, expires_at: AT, age_seconds: 2.4, stale: false, uplink: 'open' as const };
const MATRIX: Matrix = { items: {}, ttl_seconds: 60, updated: AT, version: 1 };

/** Arguments and result as they come: as text. */
function ended(kind: CommandKind, args: string, result?: string, state: Job['state'] = 'completed'): Job {
  return {
    job_id: 'gpu-01:1',
    kind,
    node: 'gpu-01',
    runtime_id: 'llama.70b',
    args: JSON.parse(args),
    state,
    delivered: true,
    attempts: 1,
    issued_at: AT,
    expires_at: AT,
    ...(result !== undefined && { result: JSON.parse(result) }),
  };
}

describe('the end of', () => {
  test.each<[CommandKind, string, string, string]>([
    [
      'drain',
      '{}',
      '{"draining":true,"waited_seconds":12}',
      'slots empty after 12 s, no new work until an undrain',
    ],
    [
      'drain',
      '{"then":"shutdown"}',
      '{"state":"offline","waited_seconds":0}',
      'slots empty after 0 s, now Offline',
    ],
    [
      'drain',
      '{"then":"restart"}',
      '{"state":"ready","waited_seconds":3}',
      'slots empty after 3 s, now Ready',
    ],
    ['undrain', '{}', '{"draining":false}', 'it takes new work again'],
    ['undrain', '{}', '{"draining":false,"already":true}', 'it was not draining'],
    [
      'switch',
      '{"preset":"long"}',
      '{"state":"offline","preset":"long"}',
      'preset long, from its next start on',
    ],
    ['load', '{"model":"a/b:q4"}', '{"model":"a/b:q4","state":"loaded"}', 'a/b:q4 is loaded'],
    ['unload', '{"model":"a"}', '{"model":"a","state":"unloaded","already":true}', 'a is unloaded already'],
    [
      'switch',
      '{"preset":"long"}',
      '{"state":"ready","preset":"long","sandbox":"bwrap"}',
      'preset long, sandbox bwrap, now Ready',
    ],
    [
      'switch',
      '{"preset":"long"}',
      '{"state":"ready","preset":"long","already":true}',
      'nothing to change, preset long, now Ready',
    ],
    ['start', '{}', '{"state":"ready","already_running":true}', 'it was so already, now Ready'],
    ['restore', '{}', '{"state":"thawing"}', 'now thawing'],
  ])('%s %s with %s: %s', (kind, args, result, words) => {
    expect(endWords(ended(kind, args, result))).toBe(`${kind} of gpu-01/llama.70b completed: ${words}`);
  });

  test('a wider budget says the budget', () => {
    const budget = { ...emptyBudget(AT), max_restarts: 9, remaining: 6 };
    expect(endWords(ended('budget', '{}', JSON.stringify({ restart_budget: budget })))).toBe(
      'budget of gpu-01/llama.70b completed: 6 of 9 restarts left, resets at 2026-11-22T12:00:00Z, window 600 s',
    );
    const off = { window_seconds: 600, max_restarts: 0, used: 0, remaining: 0 };
    expect(budgetWords(off)).toBe('automatic restarts off (budget 0)');
  });

  test.each(COMMAND_KINDS.filter((kind) => kind !== 'drain'))(
    '%s without a result that is understood',
    (kind) => {
      const plain = `${kind} of gpu-01/llama.70b completed`;
      expect(endWords(ended(kind, '{}'))).toBe(plain);
      const strange =
        '{"state":7,"already":"yes","waited_seconds":-1,"model":[],"restart_budget":{},"new":{}}';
      expect(endWords(ended(kind, '{}', strange))).toBe(plain);
    },
  );

  test('what failed says why', () => {
    const job = ended('drain', '{}', undefined, 'failed');
    expect(endWords({ ...job, error: { reason: 'timeout', message: '2 slots are busy' } })).toBe(
      'drain of gpu-01/llama.70b failed: 2 slots are busy',
    );
  });
});

function shown(records: SupervisorRecord[], columns?: number): string[] {
  return toText(renderStatus({ updated_at: AT, runtimes: records }, MATRIX, columns)).split('\n');
}

function record(status: Partial<SupervisorRecord['status']>, models?: Model[]): SupervisorRecord {
  const base = runtimeRecord({ budget: fullBudget() });
  const descriptor = { ...base.descriptor, ...(models && { models }) };
  return { descriptor, status: { ...base.status, ...status }, node: 'gpu-01', stale: false };
}

describe('the status', () => {
  test('says who drains, in the count and in the row', () => {
    const lines = shown([
      record({ draining: true }),
      record({ draining: true, severity: 'warn', severity_label: 'Warning' }),
      record({ draining: false }),
    ]);
    expect(lines[0]).toBe('Runtimes: 3 (3 ready, 2 of them draining), as of 2026-11-22T12:00:00Z');
    expect(lines[3]).toContain('Ready (draining)  ');
    expect(lines[4]).toContain('Ready (Warning, draining)');
    expect(lines[5]).toContain('Ready (Info)  ');
  });

  test('has a line for each state of several models, in 80 columns', () => {
    const models: Model[] = [
      { id: 'qwen3-8b-instruct-q4_k_m', state: 'loaded' },
      { id: 'embed', state: 'loading' },
      ...['a', 'b', 'c', 'd'].map((name) => ({
        id: `ggml-org/${name}-26-characters`,
        state: 'unloaded' as const,
      })),
    ];
    const lines = shown([record({}, models)]);
    expect(lines.slice(3, 8)).toEqual([
      '  gpu-01/llama.70b  Ready (Info)  3 of 3 restarts left, 6 models',
      '      loaded: qwen3-8b-instruct-q4_k_m',
      '      loading: embed',
      '      unloaded: ggml-org/a-26-characters, ggml-org/b-26-characters,',
      '                ggml-org/c-26-characters, ggml-org/d-26-characters',
    ]);
    for (const line of lines) expect(line.length).toBeLessThanOrEqual(80);
    expect(shown([{ ...record({}, models), stale: true }])[4]).toMatch(/^ {6}models: qwen3/);
  });

  test.each<[Model['state'], string]>([
    ['loaded', 'tiny'],
    ['unknown', 'tiny'],
    ['sleeping', 'tiny (sleeping)'],
    ['unloaded', 'tiny (unloaded)'],
  ])('one model that is %s is in the row: %s', (state, words) => {
    const [, , , row] = shown([record({}, [{ id: 'tiny', state }])]);
    expect(row?.endsWith(`restarts left, ${words}`)).toBe(true);
  });

  test('a budget of 0 is no tight one', () => {
    const off = record({ restart_budget: { window_seconds: 600, max_restarts: 0, used: 0, remaining: 0 } });
    expect(shown([off, record({})])[1]).toBe('Restarts left: at least 3 of 3 (gpu-01/llama.70b)');
    expect(shown([off])[1]).toBe('Restarts left: automatic restarts are off everywhere');
    expect(shown([off])[2]).toContain('automatic restarts off (budget 0)');
  });
});

test('no line of the status, of nodes or of jobs is wider than the terminal', () => {
  const name = fc.oneof(
    fc.string({ unit: 'grapheme', minLength: 1, maxLength: 80 }),
    fc.constantFrom('模型-通义千问-7b-指令微调', 'Qwen/Qwen3-30B-A3B-Instruct-2507-GGUF:Q4_K_M'),
  );
  const states = fc.constantFrom('loaded', 'unloaded', 'failed');
  const models = fc.array(fc.record({ id: name, state: states }), { maxLength: 5 });
  holds(
    fc.property(models, name, fc.integer({ min: 16, max: 140 }), (list, words, columns) => {
      const records = [record({ summary: words }, list), { ...record({}), stale: true, node: words }];
      const matrix = { ...MATRIX, items: { [words]: { ...snapshot(), ...HEARD } } };
      const job = { ...ended('drain', '{}', undefined, 'failed'), error: { reason: 'r', message: words } };
      const lines = [
        ...renderStatus({ updated_at: AT, runtimes: records }, matrix, columns),
        ...renderNodes([{ node: words, enrolled_at: AT }], matrix, columns),
        ...renderJobs({ jobs: [job] }, columns),
      ];
      const wide = toText(lines)
        .split('\n')
        .filter((line) => stringWidth(line) > columns);
      expect(wide).toEqual([]);
    }),
    200,
  );
});

test('nodes are told with what is heard of them', () => {
  const matrix = { ...MATRIX, items: { 'gpu-01': { ...snapshot(), ...HEARD } } };
  const nodes = [
    { node: 'gpu-01', enrolled_at: AT },
    { node: 'silent', enrolled_at: AT },
  ];
  expect(toText(renderNodes(nodes, matrix, undefined)).split('\n')).toEqual([
    'Nodes: 2 enrolled, as of 2026-11-22T12:00:00Z',
    '  gpu-01  enrolled 2026-11-22T12:00:00Z  heard 2 s ago, Ready - Runtime telemetry nominal',
    '  silent  enrolled 2026-11-22T12:00:00Z  not heard, or not for a long time',
    '',
  ]);
});

test('what a node says does not steer the terminal', () => {
  expect(withoutControl('a\n\tb\u001b[2J\u009b\u0007\r ü 😀')).toBe('a\n\tb�[2J��� ü 😀');
});

test.each([
  ['y\n', true],
  [' YES \n', true],
  ['\n', false],
  ['no\n', false],
  ['yesterday\n', false],
  ['', false],
])('the answer %j to the question whether something goes: %j', async (answer, isYes) => {
  const input = new PassThrough();
  const output = new PassThrough({ encoding: 'utf8' });
  input.end(answer);
  expect(await isConfirmed('Remove it? ', input, output)).toBe(isYes);
  expect(output.read()).toBe('Remove it? ');
});

const ALERT: Alert = {
  id: 'slack-ops',
  shape: 'slack',
  target: 'https://hooks.slack.com',
  signed: false,
  kinds: [...ALERT_KINDS],
  nodes: ['gpu-01', 'gpu-02'],
  min_severity: 'warn',
  grace_seconds: 60,
  recoveries: true,
  enabled: true,
  open: [
    {
      status: 'open',
      key: 'k',
      kind: 'runtime.state',
      node: 'gpu-01',
      runtime: 'llama',
      severity: 'error',
      summary: 'Error - Process failed (exit code 1)',
      since: '2026-11-22T12:00:00.000Z',
    },
  ],
  delivery: {
    queued: 1,
    delivered: 12,
    dropped: 0,
    next_attempt_at: '2026-11-22T12:01:00.000Z',
    last_error: { time: '2026-11-22T12:00:30.000Z', message: 'https://hooks.slack.com answered 503' },
  },
};

test('an alert says whom it tells, what is open and what fails', () => {
  expect(toText(renderAlerts([ALERT], undefined)).split('\n')).toEqual([
    'Alerts: 1 set, 1 open',
    '  ALERT      STATE        RECEIVER                  OPEN  DELIVERY                TELLS OF',
    '  slack-ops  on, failing  Slack at hooks.slack.com     1  12 delivered, 1 queued  runtimes that do not serve, silent nodes, spent restart budgets',
    '    - PROBLEM gpu-01/llama: Error - Process failed (exit code 1) (since 2026-11-22T12:00:00Z)',
    '    - last failure 2026-11-22T12:00:30Z: https://hooks.slack.com answered 503',
    '',
  ]);
  expect(toText(renderAlert(ALERT, 60)).split('\n')).toEqual([
    'Alert slack-ops',
    '  state         on, failing',
    '  receiver      Slack at hooks.slack.com',
    '  tells of      runtimes that do not serve, silent nodes,',
    '                spent restart budgets',
    '  about         nodes gpu-01, gpu-02',
    '  severity      warnings and errors',
    '  grace         60 s',
    '  recovery      told',
    '  delivery      12 delivered, 1 queued',
    '  next attempt  2026-11-22T12:01:00Z',
    '  last failure  2026-11-22T12:00:30Z:',
    '                https://hooks.slack.com answered 503',
    '  open          PROBLEM gpu-01/llama: Error - Process failed',
    '                (exit code 1) (since 2026-11-22T12:00:00Z)',
    '',
  ]);
  expect(toText(renderAlert({ ...ALERT, enabled: false, open: [] }, 60))).toMatch(
    / {2}state {9}off\n[^]* {2}open {10}nothing\n$/,
  );
});

test.each([30, 44, 60, 80, 120])('alerts fit into %i columns', (columns) => {
  const lines = [...renderAlerts([ALERT, { ...ALERT, open: [] }], columns), ...renderAlert(ALERT, columns)];
  expect(lines.filter((line) => lineWidth(line) > columns)).toEqual([]);
});
