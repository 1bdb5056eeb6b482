// Who is told of which trouble: over random histories, receivers that fail and lives that end, each opening is told once
// and its end once; and the words, the retries and the targets by themselves.

import * as fc from 'fast-check';
import * as v from 'valibot';
import { describe, expect, test } from 'vitest';
import {
  ALERT_SHAPES,
  AlertMessageSchema,
  AlertRequestSchema,
  type Alert,
  type AlertItem,
  type AlertRequest,
} from '../../contract/alerts.ts';
import type { EventDraft } from '../../contract/events.ts';
import { severityOfState } from '../../contract/words.ts';
import { retryAt } from '../../worker/domain/alert-delivery.ts';
import { alertMessage, itemLine, messageBody } from '../../worker/domain/alert-message.ts';
import { targetFault } from '../../worker/domain/alert-target.ts';
import { isoTime } from '../../worker/domain/freshness.ts';
import { earliest, rearm } from '../../worker/domain/next-alarm.ts';
import type { Result } from '../../worker/domain/parse.ts';
import { withoutPath } from '../../worker/objects/fleet/target.ts';
import { ObjectStorage, workerModule } from '../support/object-storage.ts';
import { holds, holdsLater } from '../support/property.ts';

const START = Date.parse('2026-11-22T12:00:00.000Z');
const NODE = 'gpu-01';
const RUNTIME = 'llama.70b';
/** As worker/objects/alarm.ts and worker/objects/fleet/webhook.ts have them. */
const ALARM_MIN_WAIT_MS = 100;
const CALL_LIMIT_MS = 10_000;

type Call = { id: string; body: string; secret: string | null; url: string };
type Called = { ok: true; status: number } | { ok: false; failure: { status?: number; message: string } };

/** As far as a test uses it; see worker/objects/fleet/alerts.ts. */
interface FleetAlerts {
  heed(draft: EventDraft, now: number): void;
  nextDeadline(): number | undefined;
  passTime(now: number): void;
  all(): Alert[];
  set(id: string, request: AlertRequest, now: number, note: () => void): Result<{ isNew: boolean }>;
  remove(id: string, note: () => void): Result<null>;
}
type FleetAlertsClass = new (options: object) => FleetAlerts;

const { FleetAlerts: Alerts } = v.parse(
  v.object({ FleetAlerts: v.custom<FleetAlertsClass>((value) => typeof value === 'function') }),
  await workerModule('objects/fleet/alerts.ts'),
);

type Without<Draft, Key extends string> = Draft extends unknown ? Omit<Draft, Key> : never;
type Untimed = Without<EventDraft, 'time'>;

/** Alerts of a hub whose clock, receiver and death are the test's. Nothing but its alarm and what is told wakes it. */
class World {
  now = START;
  readonly #storage: ObjectStorage;
  #alerts: FleetAlerts;
  /** Durable, as that of an object is. */
  #alarmAt: number | undefined;
  /** What the receiver answers; held back while it hangs. */
  answer: Called = { ok: true, status: 200 };
  isHanging = false;
  readonly #held: { until: number; answer: (called?: Called) => void }[] = [];
  /** What is not in the registry. */
  readonly unknownNodes = new Set<string>();
  /** All calls that the receiver took, a repeat of an id included. */
  readonly taken: Call[] = [];
  calls = 0;

  private constructor(storage: ObjectStorage) {
    this.#storage = storage;
    this.#alerts = this.#life();
  }

  static async begin(request: AlertRequest = {}): Promise<World> {
    const world = new World(await ObjectStorage.ofFleet());
    world.set(request);
    return world;
  }

  get alert(): Alert | undefined {
    return this.#alerts.all()[0];
  }

  set(request: AlertRequest, id = 'ops'): void {
    const asked = { url: 'https://alerts.example/hook', ...request };
    const set = this.#alerts.set(id, v.parse(AlertRequestSchema, asked), this.now, () => undefined);
    if (!set.ok) throw new Error(set.problem.detail);
  }

  remove(): void {
    this.#alerts.remove('ops', () => undefined);
  }

  tell(untimed: Untimed): void {
    this.#alerts.heed({ ...untimed, time: isoTime(this.now) }, this.now);
  }

  state(to: 'ready' | 'starting' | 'degraded' | 'error' | 'offline', runtime = RUNTIME): void {
    const severity = severityOfState(to);
    this.tell({
      kind: 'runtime.state.changed',
      payload: {
        node: NODE,
        runtime,
        from: 'unknown',
        to,
        severity,
        summary: `Is ${to}`,
      },
    });
  }

  silence(): void {
    const times = { received_at: isoTime(this.now), expires_at: isoTime(this.now) };
    this.tell({ kind: 'node.stale', payload: { node: NODE, ...times, label: 'Offline' } });
  }

  online(): void {
    this.tell({
      kind: 'node.online',
      payload: { node: NODE, received_at: isoTime(this.now), uplink: 'open' },
    });
  }

  /** As Fleet does it: what an operator removes is in the registry no more when that is told. */
  removeNode(reason: 'operator' | 'retention'): void {
    if (reason === 'operator') this.unknownNodes.add(NODE);
    this.tell({ kind: 'node.removed', payload: { node: NODE, reason } });
  }

  /** Lets so many seconds pass: the alarm fires where one is armed, and a receiver that hangs is given up. */
  async pass(seconds: number): Promise<void> {
    const end = this.now + seconds * 1000;
    for (;;) {
      await this.settle();
      const next = earliest([this.#alarmAt, this.#held[0]?.until]);
      if (next === undefined || next > end) break;
      this.now = Math.max(this.now, next);
      if (next === this.#alarmAt) {
        this.#alarmAt = undefined;
        this.#alerts.passTime(this.now);
        this.#arm();
      } else {
        this.#held.shift()?.answer({ ok: false, failure: { message: 'did not answer within 10 s' } });
      }
    }
    this.now = Math.max(this.now, end);
  }

  /** Memory is gone, and with it whoever waited for an answer; the database stays. */
  evict(): void {
    this.#held.length = 0;
    this.#alerts = this.#life();
  }

  async recoverReceiver(): Promise<void> {
    this.isHanging = false;
    this.answer = { ok: true, status: 200 };
    for (const held of this.#held.splice(0)) held.answer();
    await this.settle();
  }

  async settle(): Promise<void> {
    for (let turn = 0; turn < 10; turn += 1) await Promise.resolve();
  }

  /** Each message once, as a receiver that knows ids has them. */
  get items(): AlertItem[] {
    const seen = new Set<string>();
    return this.taken.flatMap(({ id, body }) => {
      if (seen.has(id)) return [];
      seen.add(id);
      return v.parse(v.pipe(v.string(), v.parseJson(), AlertMessageSchema), body).items;
    });
  }

  get statuses(): string[] {
    return this.items.map(({ status, kind }) => `${status} ${kind}`);
  }

  #arm(): void {
    const deadline = this.#alerts.nextDeadline();
    const wanted = deadline === undefined ? undefined : Math.max(deadline, this.now + ALARM_MIN_WAIT_MS);
    this.#alarmAt = rearm(this.#alarmAt, wanted) ?? this.#alarmAt;
  }

  #life(): FleetAlerts {
    return new Alerts({
      storage: this.#storage,
      allowsLocal: false,
      isKnown: (node: string) => !this.unknownNodes.has(node),
      arm: () => this.#arm(),
      outside: {
        now: () => this.now,
        chance: () => 0.5,
        call: async (call: Call): Promise<Called> => {
          this.calls += 1;
          const { answer } = this;
          // It may have been taken although nobody heard of that.
          if (answer.ok) this.taken.push(call);
          if (!this.isHanging) return answer;
          const until = this.now + CALL_LIMIT_MS;
          return new Promise<Called>((resolve) => {
            this.#held.push({ until, answer: (called = answer) => resolve(called) });
          });
        },
      },
    });
  }
}

describe('a trouble', () => {
  test('is told after the grace, once, and its end once', async () => {
    const world = await World.begin({ grace_seconds: 60 });
    world.state('error');
    await world.pass(59);
    expect(world.items).toEqual([]);
    await world.pass(10);
    expect(world.items).toEqual([
      {
        status: 'open',
        key: expect.any(String),
        kind: 'runtime.state',
        node: NODE,
        runtime: RUNTIME,
        severity: 'error',
        summary: 'Is error',
        since: '2026-11-22T12:00:00.000Z',
      },
    ]);
    world.state('starting');
    world.state('error');
    await world.pass(3600);
    world.state('ready');
    await world.pass(10);
    expect(world.statuses).toEqual(['open runtime.state', 'resolved runtime.state']);
    expect(world.items[1]).toMatchObject({ key: world.items[0]?.key, resolved_at: expect.any(String) });
    expect(world.alert).toMatchObject({ open: [], delivery: { queued: 0, delivered: 2, dropped: 0 } });
  });

  test('that ends within the grace is never told', async () => {
    const world = await World.begin({ grace_seconds: 60 });
    for (let restart = 0; restart < 5; restart += 1) {
      world.state('error');
      await world.pass(50);
      world.state('ready');
      await world.pass(50);
    }
    expect(world.calls).toBe(0);
  });

  test('that somebody meant is none', async () => {
    const world = await World.begin({ grace_seconds: 0 });
    const payload = { node: NODE, runtime: RUNTIME, from: 'ready', to: 'offline', severity: 'info' } as const;
    world.tell({ kind: 'runtime.state.changed', payload: { ...payload, summary: 'Stopped' } });
    await world.pass(60);
    expect(world.items).toEqual([]);
  });

  test('of a node, of its runtime and of its budget are three, and all end with the node', async () => {
    const world = await World.begin({ grace_seconds: 0 });
    world.state('error');
    const budget = { node: NODE, runtime: RUNTIME, max_restarts: 3, window_seconds: 600, remaining: 0 };
    world.tell({
      kind: 'runtime.budget.exhausted',
      payload: { ...budget, reset_at: '2026-11-22T12:10:00.000Z' },
    });
    const times = { received_at: isoTime(START - 60_000), expires_at: isoTime(START) };
    world.tell({
      kind: 'node.stale',
      payload: { node: NODE, ...times, label: 'Offline - No heartbeat for 60 s' },
    });
    await world.pass(5);
    expect(world.taken).toHaveLength(1);
    expect(world.statuses).toEqual(['open runtime.state', 'open budget.exhausted', 'open node.stale']);
    world.tell({ kind: 'node.removed', payload: { node: NODE, reason: 'operator' } });
    await world.pass(5);
    expect(world.statuses.slice(3).toSorted()).toEqual([
      'resolved budget.exhausted',
      'resolved node.stale',
      'resolved runtime.state',
    ]);
  });

  test('of a node that was removed is none, until it is enrolled again', async () => {
    const world = await World.begin({ grace_seconds: 0 });
    world.removeNode('operator');
    world.state('error');
    world.silence();
    await world.pass(60);
    expect(world.items).toEqual([]);
    world.unknownNodes.clear();
    world.state('error');
    await world.pass(5);
    expect(world.statuses).toEqual(['open runtime.state']);
  });

  test.each<[string, (world: World) => void]>([
    ['it is heard', (world) => world.online()],
    ['an operator removes it', (world) => world.removeNode('operator')],
  ])('of a silent node goes on when the hub forgets its runtimes, until %s', async (_, end) => {
    const world = await World.begin({ grace_seconds: 0 });
    world.state('error');
    world.silence();
    await world.pass(5);
    world.removeNode('retention');
    await world.pass(86_400);
    const forgotten = ['open runtime.state', 'open node.stale', 'resolved runtime.state'];
    expect(world.statuses).toEqual(forgotten);
    expect(world.alert?.open).toMatchObject([{ kind: 'node.stale', node: NODE }]);
    world.evict();
    end(world);
    await world.pass(5);
    expect(world.statuses).toEqual([...forgotten, 'resolved node.stale']);
    expect(world.alert?.open).toEqual([]);
  });

  test('is told also after an eviction in the middle of another one', async () => {
    const world = await World.begin({ grace_seconds: 60 });
    world.state('error', 'a');
    await world.pass(120);
    world.evict();
    world.state('error', 'b');
    await world.pass(120);
    expect(world.items.map(({ runtime }) => runtime)).toEqual(['a', 'b']);
  });

  test('that began before the alert was set is told too', async () => {
    const world = await World.begin();
    world.remove();
    world.state('error');
    await world.pass(100);
    world.set({ grace_seconds: 60 });
    await world.pass(2);
    expect(world.statuses).toEqual(['open runtime.state']);
  });

  test.each<[string, AlertRequest]>([
    ['another kind', { kinds: ['node.stale'] }],
    ['another node', { nodes: ['gpu-02'] }],
    ['another runtime', { runtimes: ['other'] }],
    ['worse ones', { min_severity: 'error' }],
    ['nothing', { enabled: false }],
  ])('is not told to who wants %s', async (_, request) => {
    const world = await World.begin({ ...request, grace_seconds: 0 });
    world.state('degraded');
    await world.pass(60);
    expect(world.items).toEqual([]);
  });

  test('counts for who wants errors from when it became one', async () => {
    const world = await World.begin({ min_severity: 'error', grace_seconds: 60 });
    world.state('degraded');
    await world.pass(100);
    world.state('error');
    await world.pass(50);
    expect(world.items).toEqual([]);
    await world.pass(20);
    expect(world.statuses).toEqual(['open runtime.state']);
  });

  test('whose recovery nobody wants ends without a word', async () => {
    const world = await World.begin({ recoveries: false, grace_seconds: 0 });
    world.state('error');
    await world.pass(5);
    world.state('ready');
    await world.pass(5);
    expect(world.statuses).toEqual(['open runtime.state']);
    expect(world.alert?.open).toEqual([]);
  });
});

describe('a receiver', () => {
  test('that is away is asked again, with the same id and longer and longer pauses, and then given up', async () => {
    const world = await World.begin({ grace_seconds: 0 });
    world.answer = { ok: false, failure: { message: 'https://alerts.example cannot be reached' } };
    world.state('error');
    await world.pass(3 * 3600);
    expect(world.calls).toBe(12);
    expect(world.alert?.delivery).toMatchObject({
      queued: 0,
      delivered: 0,
      dropped: 1,
      last_error: { message: 'https://alerts.example cannot be reached; given up after 12 attempts' },
    });
  });

  test('that refuses is not asked again', async () => {
    const world = await World.begin({ grace_seconds: 0 });
    world.answer = { ok: false, failure: { status: 404, message: 'https://alerts.example answered 404' } };
    world.state('error');
    await world.pass(3600);
    expect(world.calls).toBe(1);
  });

  test('that is away for long gets what waited in order, and no more than the queue holds', async () => {
    const world = await World.begin({ grace_seconds: 0 });
    world.answer = { ok: false, failure: { status: 503, message: 'https://alerts.example answered 503' } };
    for (let runtime = 0; runtime < 300; runtime += 1) world.state('error', `r${runtime}`);
    await world.pass(600);
    expect(world.alert?.open).toHaveLength(100);
    await world.recoverReceiver();
    await world.pass(3600);
    expect(world.statuses).toEqual(Array.from({ length: 300 }, () => 'open runtime.state'));
  });

  test('that hangs holds nothing up, and another life sends again what it may have taken', async () => {
    const world = await World.begin({ grace_seconds: 0 });
    world.isHanging = true;
    world.state('error');
    await world.pass(5);
    expect(world.calls).toBe(1);
    world.state('ready');
    expect(world.alert).toMatchObject({ open: [], delivery: { queued: 2 } });
    world.evict();
    await world.recoverReceiver();
    await world.pass(60);
    expect(world.taken.map(({ id }) => id)).toEqual([
      world.taken[0]?.id,
      world.taken[0]?.id,
      expect.not.stringContaining(String(world.taken[0]?.id)),
    ]);
    expect(world.statuses).toEqual(['open runtime.state', 'resolved runtime.state']);
  });
});

test.each([1, 5])(
  'messages of %s alerts that are under way at a crash are sent again, though nothing else happens',
  async (count) => {
    const world = await World.begin({ grace_seconds: 0 });
    for (let alert = 1; alert < count; alert += 1) world.set({ grace_seconds: 0 }, `ops-${alert}`);
    world.isHanging = true;
    world.state('error');
    await world.pass(5);
    const sent = world.taken.map(({ id }) => id);
    expect(sent).toHaveLength(Math.min(count, 4));
    world.evict();
    world.isHanging = false;
    await world.pass(60);
    const again = world.taken.slice(sent.length).map(({ id }) => id);
    expect(again).toHaveLength(count);
    expect(again).toEqual(expect.arrayContaining(sent));
    expect(world.alert?.delivery).toMatchObject({ queued: 0, delivered: 1, dropped: 0 });
  },
);

type Act =
  | { act: 'state'; to: 'ready' | 'starting' | 'degraded' | 'error' | 'offline'; runtime: string }
  | { act: 'pass'; seconds: number }
  | { act: 'receiver'; is: 'up' | 'down' | 'hanging' }
  | { act: 'node'; is: 'stale' | 'online' | 'forgotten' }
  | { act: 'grace'; seconds: number }
  | { act: 'enabled'; is: boolean }
  | { act: 'evict' };

const acts = fc.array(
  fc.oneof(
    fc.record({
      act: fc.constant('state' as const),
      to: fc.constantFrom('ready', 'starting', 'degraded', 'error', 'offline'),
      runtime: fc.constantFrom('a', 'b'),
    }),
    fc.record({ act: fc.constant('pass' as const), seconds: fc.constantFrom(0, 1, 20, 70, 120) }),
    fc.record({ act: fc.constant('receiver' as const), is: fc.constantFrom('up', 'down', 'hanging') }),
    fc.record({ act: fc.constant('node' as const), is: fc.constantFrom('stale', 'online', 'forgotten') }),
    fc.record({ act: fc.constant('grace' as const), seconds: fc.constantFrom(0, 60) }),
    fc.record({ act: fc.constant('enabled' as const), is: fc.boolean() }),
    fc.record({ act: fc.constant('evict' as const) }),
  ),
  // Not so long that a receiver that is away is given up.
  { maxLength: 30 },
);

test('over any history each opening is told once, and each that was told has one end', async () => {
  await holdsLater(
    fc.asyncProperty(acts, async (history: readonly Act[]) => {
      const world = await World.begin({ grace_seconds: 60 });
      let rule: AlertRequest = { grace_seconds: 60 };
      for (const act of history) await play(act);
      // All is well in the end, and the receiver is there.
      rule = { ...rule, enabled: true };
      world.set(rule);
      for (const runtime of ['a', 'b']) world.state('ready', runtime);
      world.online();
      await world.recoverReceiver();
      await world.pass(7200);
      const open = world.items.filter(({ status }) => status === 'open').map(({ key }) => key);
      const resolved = world.items.filter(({ status }) => status === 'resolved').map(({ key }) => key);
      expect(new Set(open).size).toBe(open.length);
      expect(resolved.toSorted()).toEqual(open.toSorted());
      for (const key of open) {
        const statuses = world.items.filter((item) => item.key === key).map(({ status }) => status);
        expect(statuses).toEqual(['open', 'resolved']);
      }
      expect(world.alert).toMatchObject({ open: [], delivery: { queued: 0, dropped: 0 } });

      async function play(act: Act): Promise<void> {
        switch (act.act) {
          case 'state':
            return world.state(act.to, act.runtime);
          case 'pass':
            return world.pass(act.seconds);
          case 'evict':
            return world.evict();
          case 'grace':
            rule = { ...rule, grace_seconds: act.seconds };
            return world.set(rule);
          case 'enabled':
            rule = { ...rule, enabled: act.is };
            return world.set(rule);
          case 'receiver':
            if (act.is !== 'hanging') await world.recoverReceiver();
            world.isHanging = act.is === 'hanging';
            if (act.is === 'down') world.answer = { ok: false, failure: { status: 503, message: 'away' } };
            return;
          case 'node':
            if (act.is === 'forgotten') return world.removeNode('retention');
            return act.is === 'online' ? world.online() : world.silence();
          default:
            act satisfies never;
        }
      }
    }),
    150,
  );
});

describe('a message', () => {
  const item: AlertItem = {
    status: 'open',
    key: 'k',
    kind: 'runtime.state',
    node: NODE,
    runtime: 'llama_70b_q4',
    severity: 'error',
    summary: 'Error - <!channel> *boom* @everyone',
    since: '2026-11-22T12:00:00.000Z',
  };

  test('is a line for each problem, in words', () => {
    expect(itemLine(item)).toBe(
      'PROBLEM gpu-01/llama_70b_q4: Error - <!channel> *boom* @everyone (since 2026-11-22T12:00:00.000Z)',
    );
    expect(itemLine({ ...item, status: 'resolved', resolved_at: '2026-11-22T12:03:00.000Z' })).toBe(
      'RESOLVED gpu-01/llama_70b_q4: it was Error - <!channel> *boom* @everyone (for 3 min)',
    );
  });

  test('calls nobody and formats nothing that a runtime says', () => {
    const message = alertMessage('ops', [item], '2026-11-22T12:00:00.000Z');
    expect(JSON.parse(messageBody('slack', message))).toEqual({
      text: expect.stringContaining('&lt;!channel&gt; *boom*'),
      mrkdwn: false,
    });
    expect(JSON.parse(messageBody('discord', message))).toEqual({
      content: expect.stringContaining(String.raw`llama\_70b\_q4: Error \- \<!channel\> \*boom\*`),
      allowed_mentions: { parse: [] },
    });
    expect(v.is(AlertMessageSchema, JSON.parse(messageBody('generic', message)))).toBe(true);
  });

  test('fits its receiver, however much there is to tell', () => {
    const summaries = fc.array(fc.string({ unit: 'grapheme', maxLength: 240 }), {
      minLength: 1,
      maxLength: 20,
    });
    holds(
      fc.property(summaries, fc.constantFrom(...ALERT_SHAPES), (texts, shape) => {
        const items = texts.map((summary) => ({ ...item, summary: summary.replace(/\s+/g, ' ') }));
        const body: unknown = JSON.parse(messageBody(shape, alertMessage('ops', items, item.since)));
        const limit = shape === 'discord' ? 2000 : 40_000;
        expect(String(Object(body).content ?? Object(body).text).length).toBeLessThanOrEqual(limit);
      }),
      200,
    );
  });
});

test('a retry comes later each time, not before it was asked for, and never after a refusal', () => {
  holds(
    fc.property(
      fc.integer({ min: 1, max: 11 }),
      fc.double({ min: 0, max: 0.999, noNaN: true }),
      (attempts, chance) => {
        const afterMs = (retryAt(attempts, { message: '' }, START, chance) ?? Number.NaN) - START;
        const fullMs = Math.min(1_800_000, 5000 * 2 ** (attempts - 1));
        expect(afterMs).toBeGreaterThanOrEqual(fullMs / 2);
        expect(afterMs).toBeLessThanOrEqual(fullMs);
      },
    ),
  );
  expect(retryAt(1, { status: 429, retryAfterSeconds: 90, message: '' }, START, 0)).toBe(START + 90_000);
  expect(retryAt(1, { status: 429, retryAfterSeconds: 1e9, message: '' }, START, 0)).toBe(START + 3_600_000);
  for (const status of [301, 400, 401, 404, 410]) {
    expect(retryAt(1, { status, message: '' }, START, 0)).toBeUndefined();
  }
});

describe('a target', () => {
  test.each([
    'https://hooks.slack.com/services/T/B/x',
    'https://8.8.8.8/hook',
    'https://[2606:4700:4700::1111]/hook',
    'https://alerts.example:8443/x?y=z',
  ])('%s may be called', (url) => {
    expect(targetFault(new URL(url), false)).toBeUndefined();
  });

  test.each([
    'http://alerts.example/',
    'ftp://alerts.example/',
    'https://user:password@alerts.example/',
    'https://localhost/',
    'https://hub.localhost./',
    'https://printer.local/',
    'https://metadata.google.internal/',
    'https://intranet/',
    'https://127.0.0.1/',
    'https://2130706433/',
    'https://0x7f.1/',
    'https://10.1.2.3/',
    'https://100.64.0.1/',
    'https://169.254.169.254/latest/meta-data',
    'https://172.16.0.1/',
    'https://192.168.1.1/',
    'https://198.18.0.1/',
    'https://0.0.0.0/',
    'https://255.255.255.255/',
    'https://[::1]/',
    'https://[::]/',
    'https://[fe80::1]/',
    'https://[fd00::1]/',
    'https://[::ffff:127.0.0.1]/',
    'https://[64:ff9b::7f00:1]/',
    'https://[2002:7f00:1::]/',
    'https://[2001:0:1::]/',
  ])('%s may not', (url) => {
    expect(targetFault(new URL(url), false)).toBeTypeOf('string');
  });

  test('in the own network may be called where that is switched on, but never with a password', () => {
    expect(targetFault(new URL('http://127.0.0.1:9000/'), true)).toBeUndefined();
    expect(targetFault(new URL('http://a:b@127.0.0.1:9000/'), true)).toBeTypeOf('string');
  });
});

function isTaken(letters: string): boolean {
  return v.is(AlertRequestSchema, { secret: `whsec_${letters}` });
}

describe('a secret', () => {
  test('of 24 to 64 bytes is taken, padded or not, and signs', () => {
    for (let bytes = 20; bytes <= 70; bytes += 1) {
      const padded = Buffer.alloc(bytes, 0xfb).toString('base64');
      for (const letters of [padded, padded.replaceAll('=', '')]) {
        expect(isTaken(letters)).toBe(bytes >= 24 && bytes <= 64);
        expect(atob(letters)).toHaveLength(bytes);
      }
    }
  });

  test.each([
    ['33 letters', 'A'.repeat(33)],
    ['85 letters', 'A'.repeat(85)],
    ['32 letters and a sign', `${'A'.repeat(32)}=`],
    ['34 letters and one sign of two', `${'A'.repeat(34)}=`],
    ['35 letters and a sign too many', `${'A'.repeat(35)}==`],
  ])('of %s, which no base64 has, is refused', (_, letters) => {
    expect(() => atob(letters)).toThrow(DOMException);
    expect(isTaken(letters)).toBe(false);
  });
});

test('what a receiver says is told without the path and the query that it was called by', () => {
  const url = 'https://hooks.example/services/T/B/x?token=y';
  expect(withoutPath('Cannot POST /services/T/B/x?token=y (404)', url)).toBe('Cannot POST … (404)');
  expect(withoutPath('No route for /services/T/B/x, query ?token=y', url)).toBe('No route for …, query …');
  expect(withoutPath('GET / and/or POST /?token=y', 'https://hooks.example/?token=y')).toBe(
    'GET / and/or POST …',
  );
  expect(withoutPath('and/or', 'https://hooks.example/')).toBe('and/or');
});
