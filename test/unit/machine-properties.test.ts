// Random commands against children with random fates: what must hold after every single event, and in the end.
// The claims about every event are in test/support/machine-world.ts.

import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { MachineWorld, type Act, type Fate } from '../support/machine-world.ts';
import { POLICY } from '../support/machine-driver.ts';
import { holds } from '../support/property.ts';

const RUNS = 1_000;
/** Longer than any load limit, grace and backoff in a row: by then nothing that was asked for may be open. */
const QUIET_MS = 400_000;

const policy = fc.record({
  budget: fc.record({ maxRestarts: fc.nat(4), windowMs: fc.constantFrom(30_000, 600_000) }),
  backoff: fc.constant({ baseMs: 1_000, capMs: 20_000 }),
  loadLimitMs: fc.constantFrom(5_000, 30_000),
  stopGraceMs: fc.constantFrom(1_000, 5_000),
  wedgeMs: fc.constant(POLICY.wedgeMs),
});

const within = (max: number): fc.Arbitrary<number> => fc.nat(max);
const fateWith = (endsAfterKillMs: fc.Arbitrary<number | undefined>): fc.Arbitrary<Fate> =>
  fc.record({
    launchMs: within(600),
    blocked: fc.nat(3).map((number) => number === 0),
    readyAfterMs: fc.option(within(20_000), { nil: undefined }),
    crashAfterMs: fc.option(within(120_000), { nil: undefined }),
    unresponsiveAfterMs: fc.option(within(60_000), { nil: undefined }),
    tokenlessAfterMs: fc.option(within(60_000), { nil: undefined }),
    endsAfterTermMs: fc.option(within(6_000), { nil: undefined }),
    endsAfterKillMs,
  });
const mortal = fateWith(within(100));
const immortal = fateWith(fc.option(within(100), { nil: undefined }));
const fates = (fate: fc.Arbitrary<Fate>): fc.Arbitrary<[Fate, ...Fate[]]> =>
  fc
    .tuple(fate, fc.array(fate, { maxLength: 8 }))
    .map(([first, rest]): [Fate, ...Fate[]] => [first, ...rest]);

const preset = fc.constantFrom('short' as const, 'long' as const);
const restore = (force: fc.Arbitrary<boolean>): fc.Arbitrary<Act> =>
  fc.record(
    { kind: fc.constant('restore' as const), restart: fc.boolean(), force, preset },
    {
      requiredKeys: ['kind', 'restart', 'force'],
    },
  );
const drains: fc.Arbitrary<Act> = fc.oneof(
  fc.constant<Act>({ kind: 'undrain' }),
  fc.boolean().map((busy): Act => ({ kind: 'work', busy })),
  fc.record({
    kind: fc.constant('drain' as const),
    after: fc.constantFrom('hold' as const, 'shutdown' as const, 'restart' as const),
    limitMs: fc.constantFrom(1_000, 60_000),
  }),
);
const adjustments: fc.Arbitrary<Act> = fc.oneof(
  preset.map((name): Act => ({ kind: 'switch', preset: name })),
  fc.nat(2).map((more): Act => ({ kind: 'budget', more })),
);
const acts = (force: fc.Arbitrary<boolean>): fc.Arbitrary<{ afterMs: number; act: Act }[]> => {
  const act = fc.oneof(
    {
      weight: 3,
      arbitrary: fc.constantFrom<Act>({ kind: 'start' }, { kind: 'shutdown' }, { kind: 'crash' }),
    },
    { weight: 2, arbitrary: drains },
    { weight: 1, arbitrary: adjustments },
    { weight: 2, arbitrary: restore(force) },
    {
      weight: 1,
      arbitrary: fc
        .constantFrom('spawned' as const, 'blocked' as const, 'exited' as const, 'observed' as const)
        .map((news): Act => ({ kind: 'late', news })),
    },
  );
  // At once, within a launch, within a load, within a window.
  const afterMs = fc.oneof(fc.constant(0), within(500), within(10_000), within(100_000));
  return fc.array(fc.record({ afterMs, act }), { maxLength: 30 });
};

function play(world: MachineWorld, script: readonly { afterMs: number; act: Act }[]): void {
  for (const { afterMs, act } of script) {
    world.pass(afterMs);
    world.act(act);
  }
}

const once = (world: MachineWorld): boolean => world.settledCounts().every((count) => count === 1);

test('the budget is never overspent, and every operation is settled once, by itself', () => {
  holds(
    fc.property(policy, fates(mortal), acts(fc.constant(false)), (rule, childFates, script) => {
      const world = new MachineWorld(rule, childFates);
      play(world, script);
      world.pass(QUIET_MS);
      expect(world.settledCounts()).toEqual(world.settledCounts().map(() => 1));
      expect(world.state.pending).toEqual([]);
    }),
    RUNS,
  );
}, 60_000);

test('with force, no more is overspent than was forced', () => {
  holds(
    fc.property(policy, fates(mortal), acts(fc.boolean()), (rule, childFates, script) => {
      const world = new MachineWorld(rule, childFates);
      play(world, script);
      world.pass(QUIET_MS);
      expect(once(world)).toBe(true);
    }),
    RUNS,
  );
}, 60_000);

test('a shutdown at any moment ends every stop within the grace and leaves no child', () => {
  holds(
    fc.property(policy, fates(mortal), acts(fc.boolean()), (rule, childFates, script) => {
      const world = new MachineWorld(rule, childFates);
      play(world, script);
      world.act({ kind: 'shutdown' });
      // A launch under way, then SIGTERM, the grace, SIGKILL.
      world.pass(600 + rule.stopGraceMs + 1_000);
      expect(world.child).toBeUndefined();
      expect(world.state.phase).toEqual({ kind: 'resting' });
      expect(once(world)).toBe(true);
      const { spawns } = world;
      world.pass(QUIET_MS);
      expect(world.spawns).toBe(spawns);
    }),
    RUNS,
  );
}, 60_000);

test('a child that the kernel holds does not hold its operations', () => {
  holds(
    fc.property(policy, fates(immortal), acts(fc.boolean()), (rule, childFates, script) => {
      const world = new MachineWorld(rule, childFates);
      play(world, script);
      world.act({ kind: 'shutdown' });
      world.pass(QUIET_MS);
      expect(once(world)).toBe(true);
    }),
    RUNS,
  );
}, 60_000);

test('a runtime whose children are sound is ready in the end, whatever happened before', () => {
  const sound: Fate = {
    launchMs: 10,
    blocked: false,
    readyAfterMs: 1_000,
    crashAfterMs: undefined,
    unresponsiveAfterMs: undefined,
    tokenlessAfterMs: undefined,
    endsAfterTermMs: 100,
    endsAfterKillMs: 10,
  };
  holds(
    fc.property(policy, acts(fc.constant(false)), (rule, script) => {
      const world = new MachineWorld(rule, [sound]);
      play(world, script);
      world.pass(QUIET_MS);
      world.act({ kind: 'restore', restart: false, force: true });
      world.pass(QUIET_MS);
      expect(world.state.phase.kind).toBe('serving');
      expect(world.child?.preset).toBe(world.state.variant.preset);
    }),
    RUNS,
  );
}, 60_000);
