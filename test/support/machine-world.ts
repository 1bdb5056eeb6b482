// Owns a simulated host around one state machine: a child that loads, serves, crashes and ends, timers that fire, and
// launches that take time. The machine's effects are carried out here; what must never happen is checked on the way.

import * as v from 'valibot';
import { RuntimeStatusSchema } from '../../contract/runtime-record.ts';
import { describe } from '../../reporter/supervisor/describe.ts';
import { step } from '../../reporter/supervisor/machine.ts';
import {
  budgetRule,
  initialState,
  type AfterDrain,
  type Effect,
  type Outcome,
  type Policy,
  type ReadyObservation,
  type RuntimeEvent,
  type RuntimeState,
  type TimerName,
} from '../../reporter/supervisor/state.ts';
import { FAILING, LOADING, READY, T0, TOKENLESS } from './machine-driver.ts';

/** How one launch goes. Children take theirs in order, and the last one again and again. */
export type Fate = {
  launchMs: number;
  blocked: boolean;
  /** Undefined: never ready. */
  readyAfterMs: number | undefined;
  crashAfterMs: number | undefined;
  unresponsiveAfterMs: number | undefined;
  /** From then on every idle probe goes without a token. */
  tokenlessAfterMs: number | undefined;
  /** Undefined: it ignores SIGTERM. */
  endsAfterTermMs: number | undefined;
  /** Undefined: the kernel holds it, and not even SIGKILL ends it. */
  endsAfterKillMs: number | undefined;
};

export type Act =
  | { kind: 'start' | 'shutdown' | 'crash' | 'undrain' }
  /** Somebody's requests begin, or end. */
  | { kind: 'work'; busy: boolean }
  | { kind: 'drain'; after: AfterDrain; limitMs: number }
  | { kind: 'switch'; preset: 'short' | 'long' }
  | { kind: 'budget'; more: number }
  | { kind: 'restore'; restart: boolean; force: boolean; preset?: 'short' | 'long' }
  /** News of an earlier child comes late. */
  | { kind: 'late'; news: 'spawned' | 'blocked' | 'exited' | 'observed' };

type Child = { pid: number; launch: number; fate: Fate; sinceMs: number; preset: string | undefined };
type Due = { atMs: number; order: number; run: () => void };

const PROBE_EVERY_MS = 2_500;
/** From a child's end to the word of it: its log is read in between. */
const EXIT_TOLD_AFTER_MS = 20;
/** What signals and their delivery may take beside the grace. */
const STOP_SLACK_MS = 1_000;

export class MachineWorld {
  state: RuntimeState = initialState();
  nowMs = T0;
  child: Child | undefined;
  readonly policy: Policy;
  readonly operations = new Map<string, { outcomes: Outcome[] }>();
  spawns = 0;
  forced = 0;
  /** Commands that may bring a runtime up. */
  wishes = 0;
  readonly #fates: readonly [Fate, ...Fate[]];
  readonly #agenda: Due[] = [];
  readonly #timers = new Map<TimerName, Due>();
  readonly #sentTerm = new Set<number>();
  readonly #paidAtMs: number[] = [];
  #nextIsFree = false;
  #launches = 0;
  #busy = false;
  #order = 0;

  constructor(policy: Policy, fates: readonly [Fate, ...Fate[]]) {
    this.policy = policy;
    this.#fates = fates;
  }

  act(act: Act): void {
    const id = `operation-${this.operations.size + 1}`;
    switch (act.kind) {
      case 'start':
        this.wishes += 1;
        this.operations.set(id, { outcomes: [] });
        return this.#post({ kind: 'start', operation: { id, kind: 'start' } });
      case 'shutdown':
        this.operations.set(id, { outcomes: [] });
        return this.#post({ kind: 'shutdown', operation: { id, kind: 'shutdown' }, lasting: true });
      case 'undrain':
        this.operations.set(id, { outcomes: [] });
        return this.#post({ kind: 'undrain', operation: { id, kind: 'undrain' } });
      case 'work':
        this.#busy = act.busy;
        return undefined;
      case 'drain': {
        const { after, limitMs } = act;
        if (after === 'restart') this.wishes += 1;
        this.operations.set(id, { outcomes: [] });
        return this.#post({ kind: 'drain', operation: { id, kind: 'drain' }, after, limitMs });
      }
      case 'switch': {
        const variant = { preset: act.preset };
        this.wishes += 1;
        this.operations.set(id, { outcomes: [] });
        return this.#post({ kind: 'switch', operation: { id, kind: 'switch' }, variant });
      }
      case 'budget': {
        const maxRestarts = budgetRule(this.state, this.policy).maxRestarts + act.more;
        this.operations.set(id, { outcomes: [] });
        return this.#post({ kind: 'budget', operation: { id, kind: 'budget' }, rule: { maxRestarts } });
      }
      case 'restore': {
        const { restart, force, preset } = act;
        this.wishes += 1;
        if (force) this.forced += 1;
        this.operations.set(id, { outcomes: [] });
        const operation = { id, kind: 'restore' as const };
        return this.#post({
          kind: 'restore',
          operation,
          restart,
          force,
          ...(preset !== undefined && { variant: { preset } }),
        });
      }
      case 'crash':
        return this.#end(this.child, 'SIGSEGV');
      case 'late':
        return this.#postLate(act.news);
      default:
        return act satisfies never;
    }
  }

  /** Lets time pass, and with it everything that falls due. */
  pass(durationMs: number): void {
    const untilMs = this.nowMs + durationMs;
    for (;;) {
      const next = this.#agenda.reduce<Due | undefined>(
        (first, due) =>
          first === undefined || due.atMs < first.atMs || (due.atMs === first.atMs && due.order < first.order)
            ? due
            : first,
        undefined,
      );
      if (next === undefined || next.atMs > untilMs) break;
      this.nowMs = next.atMs;
      this.#drop(next);
      next.run();
    }
    this.nowMs = untilMs;
    this.#check();
  }

  /** How often each operation was settled. */
  settledCounts(): number[] {
    return [...this.operations.values()].map(({ outcomes }) => outcomes.length);
  }

  #post(event: RuntimeEvent): void {
    const before = this.state;
    const next = step(before, event, this.nowMs, this.policy);
    this.state = next.state;
    // Shut down by a command, be it the end of a drain.
    if (next.state.keptDown && !before.keptDown) this.#nextIsFree = true;
    if (next.state.restartsTotal > before.restartsTotal) this.#checkSpending();
    for (const effect of next.effects) this.#carryOut(effect);
    if (next.state.phase.kind !== before.phase.kind) this.#checkWords();
    this.#check();
  }

  #postLate(news: 'spawned' | 'blocked' | 'exited' | 'observed'): void {
    const launch = this.state.launch - 1;
    const before = this.state;
    const exit = { code: 0, signal: null, atMs: this.nowMs };
    if (news === 'spawned') this.#post({ kind: news, launch, pid: 1 });
    else if (news === 'blocked') this.#post({ kind: news, launch, reasons: ['late'] });
    else if (news === 'exited') this.#post({ kind: news, launch, exit, reason: 'late', jitter: 0 });
    else this.#post({ kind: news, launch, observation: FAILING });
    claim(JSON.stringify(this.state) === JSON.stringify(before), `late news (${news}) changed the state`);
  }

  #carryOut(effect: Effect): void {
    switch (effect.kind) {
      case 'launch':
        return this.#launch(effect.launch, effect.variant.preset);
      case 'signal':
        return this.#signal(effect.signal);
      case 'arm-timer': {
        this.#cancel(effect.timer);
        const due = this.#at(effect.atMs, () => {
          this.#timers.delete(effect.timer);
          this.#post({ kind: 'timer', timer: effect.timer });
        });
        this.#timers.set(effect.timer, due);
        return;
      }
      case 'cancel-timer':
        return this.#cancel(effect.timer);
      case 'settle': {
        const { outcomes } = this.operations.get(effect.operation.id) ?? { outcomes: [] };
        outcomes.push(effect.outcome);
        claim(outcomes.length === 1, `${effect.operation.id} was settled ${outcomes.length} times`);
        return;
      }
      default:
        return effect satisfies never;
    }
  }

  #launch(launch: number, preset: string | undefined): void {
    const fate = this.#fates[Math.min(this.#launches, this.#fates.length - 1)] ?? this.#fates[0];
    this.#launches += 1;
    this.#at(this.nowMs + fate.launchMs, () => {
      if (fate.blocked)
        return this.#post({ kind: 'blocked', launch, reasons: ['Model file x does not exist'] });
      claim(this.child === undefined, 'two children of one runtime');
      this.spawns += 1;
      const child = { pid: 1_000 + this.spawns, launch, fate, sinceMs: this.nowMs, preset };
      this.child = child;
      const paidBefore = this.state.restartsTotal;
      this.#post({ kind: 'spawned', launch, pid: child.pid });
      this.#checkPaid(this.state.restartsTotal > paidBefore);
      if (fate.crashAfterMs !== undefined)
        this.#at(this.nowMs + fate.crashAfterMs, () => this.#end(child, 'SIGSEGV'));
      return this.#probe(child);
    });
  }

  #probe(child: Child): void {
    if (this.child !== child) return;
    const livedMs = this.nowMs - child.sinceMs;
    const { readyAfterMs, unresponsiveAfterMs, tokenlessAfterMs } = child.fate;
    const hangs = unresponsiveAfterMs !== undefined && livedMs >= unresponsiveAfterMs;
    const isReady = readyAfterMs !== undefined && livedMs >= readyAfterMs;
    const isTokenless = tokenlessAfterMs !== undefined && livedMs >= tokenlessAfterMs;
    const observation = hangs ? FAILING : isReady ? (isTokenless ? TOKENLESS : this.#ready()) : LOADING;
    this.#post({ kind: 'observed', launch: child.launch, observation });
    this.#at(this.nowMs + PROBE_EVERY_MS, () => this.#probe(child));
  }

  #ready(): ReadyObservation {
    return { ...READY, health: { capacity: 4, inflight_jobs: this.#busy ? 1 : 0 } };
  }

  #signal(signal: 'SIGTERM' | 'SIGKILL'): void {
    const { child } = this;
    if (child === undefined) return;
    if (signal === 'SIGTERM') this.#sentTerm.add(child.pid);
    else claim(this.#sentTerm.has(child.pid), 'SIGKILL without a SIGTERM before it');
    const { endsAfterTermMs, endsAfterKillMs } = child.fate;
    const afterMs = signal === 'SIGTERM' ? endsAfterTermMs : endsAfterKillMs;
    if (afterMs !== undefined) this.#at(this.nowMs + afterMs, () => this.#end(child, signal));
  }

  #end(child: Child | undefined, signal: string): void {
    if (child === undefined || this.child !== child) return;
    this.child = undefined;
    const exit = { code: null, signal, atMs: this.nowMs };
    const reason = `Process ended by ${signal}`;
    this.#at(this.nowMs + EXIT_TOLD_AFTER_MS, () =>
      this.#post({ kind: 'exited', launch: child.launch, exit, reason, jitter: 0.5 }),
    );
  }

  /** Counts for itself: a machine that forgets what it spent would find its own books in order. */
  #checkSpending(): void {
    const budget = budgetRule(this.state, this.policy);
    // Not by the product's own arithmetic of the window: that is under test too.
    const already = this.#paidAtMs.filter((atMs) => this.nowMs - atMs < budget.windowMs).length;
    this.#paidAtMs.push(this.nowMs);
    if (this.forced === 0) claim(already < budget.maxRestarts, 'a restart was spent beyond the budget');
    claim(already < budget.maxRestarts + this.forced, 'more was spent beyond the budget than was forced');
    const told = this.state.spent.filter((atMs) => this.nowMs - atMs < budget.windowMs);
    claim(told.length === already + 1, 'the budget does not tell what was spent');
  }

  /** A restart is a child after a child that nobody had shut down, nor that was told to end as soon as it was there. */
  #checkPaid(isPaid: boolean): void {
    claim(isPaid || this.spawns === 1 || this.#nextIsFree, 'a restart was not spent');
    this.#nextIsFree = this.state.phase.kind === 'stopping';
  }

  #checkWords(): void {
    const status = describe('llama', this.state, this.nowMs, this.nowMs, this.policy);
    claim(v.is(RuntimeStatusSchema, status), `not a status: ${JSON.stringify(status)}`);
  }

  #check(): void {
    const { phase } = this.state;
    const armed = [...this.#timers.keys()];
    const expected: TimerName[] =
      phase.kind === 'waiting'
        ? ['wait']
        : phase.kind === 'loading'
          ? ['load']
          : phase.kind === 'stopping' && !phase.stuck
            ? [phase.killed ? 'stuck' : 'kill']
            : [];
    if (this.state.drain?.emptyLooks !== undefined) expected.push('drain');
    claim(
      armed.length === expected.length && armed.every((timer) => expected.includes(timer)),
      `in phase ${phase.kind} these timers are armed: ${armed.join(', ') || 'none'}`,
    );
    if (phase.kind === 'stopping' && this.child?.fate.endsAfterKillMs !== undefined) {
      const limitMs = this.policy.stopGraceMs + this.child.fate.endsAfterKillMs + STOP_SLACK_MS;
      claim(this.nowMs - phase.sinceMs <= limitMs, 'a stop does not end');
    }
    if ('pid' in phase && this.child !== undefined)
      claim(phase.pid === this.child.pid, 'another process is told');
    // Each wish may bring one child up for nothing; whatever comes up by itself is paid for.
    claim(
      this.spawns - this.state.restartsTotal <= this.wishes,
      'a child came up that nobody asked or paid for',
    );
  }

  #at(atMs: number, run: () => void): Due {
    this.#order += 1;
    const due = { atMs, order: this.#order, run };
    this.#agenda.push(due);
    return due;
  }

  #cancel(timer: TimerName): void {
    const due = this.#timers.get(timer);
    if (due !== undefined) this.#drop(due);
    this.#timers.delete(timer);
  }

  #drop(due: Due): void {
    const index = this.#agenda.indexOf(due);
    if (index >= 0) this.#agenda.splice(index, 1);
  }
}

function claim(holds: boolean, otherwise: string): void {
  if (!holds) throw new Error(otherwise);
}
