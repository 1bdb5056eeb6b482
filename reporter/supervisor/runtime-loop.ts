// Owns the effects for one runtime: it feeds events to the machine and does what the machine asks for. It decides nothing.

import { randomUUID } from 'node:crypto';
import type { Act } from '../../contract/command.ts';
import type { RuntimeRecord } from '../../contract/runtime-record.ts';
import type { SandboxKind } from '../../contract/words.ts';
import type { Backend, Endpoint } from '../backends/backend.ts';
import type { Log } from '../log.ts';
import type { Sandbox } from '../sandbox/sandbox.ts';
import { AdoptedChild, recognize } from './adopt.ts';
import { carryOut } from './carry-out.ts';
import type { Supervised } from './child.ts';
import { failure } from './decision.ts';
import { describe } from './describe.ts';
import type { RuntimeLog } from './logs.ts';
import { step } from './machine.ts';
import type { ManagedRuntime } from './managed-runtime.ts';
import { rememberedState, type RuntimeMemory } from './memory.ts';
import { Launcher, type LaunchParts } from './launcher.ts';
import { PortOwner } from './port-owner.ts';
import {
  initialState,
  type Effect,
  type Observation,
  type Operation,
  type Outcome,
  type Policy,
  type RuntimeEvent,
  type RuntimeState,
  type TimerName,
} from './state.ts';
import { AS_MANIFEST, withWish, type Variant } from './variant.ts';
import { Nudge } from '../nudge.ts';
import { Remembering } from './remembering.ts';
import { RuntimeOutput } from './runtime-output.ts';
import { watchChild } from './watch.ts';
import { messageOf } from '../errors.ts';

const LAST_LINES = 30;
/** What of a runtime is its manifest's. */
export type RuntimeParts = LaunchParts & {
  policy: Policy;
  /** The preset that the manifest names. */
  preset?: string | undefined;
};

export type RuntimeLoopOptions = RuntimeParts & {
  output: RuntimeLog;
  memory: RuntimeMemory;
  log: Log;
  /** Requests that the gateway has under way here, now; undefined where no gateway takes any. */
  underWay?: (() => number | undefined) | undefined;
  /** Something changed that a reader of the matrix should see now, not at the next report. */
  onMaterialChange: () => void;
};

export class RuntimeLoop implements ManagedRuntime {
  #options: RuntimeLoopOptions;
  #state: RuntimeState;
  #updatedAtMs = Date.now();
  #child: Supervised | undefined;
  #released = false;
  /** Aborts when the present child is gone. */
  #gone: AbortSignal | undefined;
  /** Wakes the watch over the child. */
  readonly #look = new Nudge();
  readonly #output: RuntimeOutput;
  readonly #remembering: Remembering;
  readonly #launcher = new Launcher(() => this.#options);
  readonly #portOwner = new PortOwner();
  readonly #timers = new Map<TimerName, NodeJS.Timeout>();
  readonly #outcomes = new Map<string, (outcome: Outcome) => void>();

  constructor(options: RuntimeLoopOptions) {
    this.#options = options;
    this.#output = new RuntimeOutput(this.id, options.output, options.log);
    this.#remembering = new Remembering(options.memory, options.log);
    const remembered = rememberedState(this.#remembering.load());
    this.#state = initialState({ ...remembered, variant: this.#known(remembered.variant) });
  }

  /** The variant without a preset that the manifest has lost since. */
  #known(variant: Variant): Variant {
    const { preset, ...rest } = variant;
    const { descriptor, presets } = this.backend;
    if (preset === undefined || presets.includes(preset)) return variant;
    this.#options.log.warn(
      `${descriptor.id}: its preset "${preset}" is not in the manifest any more; it is left out`,
    );
    return rest;
  }

  /** What the child writes. */
  get output(): RuntimeLog {
    return this.#options.output;
  }

  get id(): string {
    return this.backend.descriptor.id;
  }

  endpoint(): Endpoint {
    return this.backend.endpoint();
  }

  get backend(): Backend {
    return this.#options.backend;
  }

  /** What commands made of it. */
  get variant(): Variant {
    return this.#state.variant;
  }

  get version(): unknown {
    return this.#state;
  }

  get accepting(): boolean {
    return this.#state.phase.kind === 'serving';
  }

  get lastModels(): readonly string[] {
    return this.#remembering.models;
  }

  /** Puts other parts in force. With `relaunch` what runs is restarted as the new one, unspent. */
  replace(parts: RuntimeParts, relaunch: boolean): void {
    this.#options = { ...this.#options, ...parts };
    const variant = this.#known(this.#state.variant);
    // What runs on is looked at by the new backend from now on.
    parts.backend.reset(variant.preset);
    this.#post({ kind: 'replaced', relaunch, variant });
    this.#options.onMaterialChange();
  }

  /** Takes over the child of an earlier reporter where it is still what it was; resolves when that is decided. */
  async adopt(): Promise<void> {
    const remembered = this.#remembering.child;
    if (remembered === undefined) return;
    const { backend, log } = this.#options;
    const { id } = backend.descriptor;
    const variant = withWish(AS_MANIFEST, remembered);
    backend.reset(variant.preset);
    const recognition = await recognize(remembered, this.#launcher.asked(variant));
    if (recognition.kind !== 'ours') {
      if (recognition.kind === 'gone') {
        void this.#launcher.clear(this.#launcher.sandboxOf(variant, remembered.confined_in));
      }
      if (recognition.kind === 'different') {
        log.warn(
          `${id}: process ${remembered.pid} of an earlier reporter is left alone: ${recognition.reason}`,
        );
      }
      this.#remembering.child = undefined;
      return this.#remembering.keep(this.#state);
    }
    log.info(`${id}: adopted process ${remembered.pid}, which an earlier reporter started`);
    const child = new AdoptedChild(remembered);
    this.#child = child;
    const { pid, started_at_ms: startedAtMs } = remembered;
    this.#post({ kind: 'adopted', pid, startedAtMs, variant });
    const sandbox = this.#launcher.sandboxOf(variant);
    void this.#awaitExit(child, this.#state.launch, remembered.log_start_bytes, sandbox);
  }

  /** Lets go of the child without ending it; nothing is started any more. */
  release(): void {
    for (const timer of this.#timers.values()) clearTimeout(timer);
    this.#timers.clear();
    this.#released = true;
  }

  /** Posts an operation and resolves with its outcome, however long that takes. */
  operate(event: Extract<RuntimeEvent, { operation: Operation }>): Promise<Outcome> {
    return new Promise((resolve) => {
      this.#outcomes.set(event.operation.id, resolve);
      this.#post(event);
      this.#look.give();
    });
  }

  start(): void {
    if (this.#state.keptDown) return;
    void this.operate({ kind: 'start', operation: { id: randomUUID(), kind: 'start' } });
  }

  shutDown(graceMs = Infinity): Promise<Outcome> {
    const { policy } = this.#options;
    const stopGraceMs = Math.min(policy.stopGraceMs, graceMs);
    // A stop that is under way has armed its own.
    if (stopGraceMs < policy.stopGraceMs && this.#timers.has('kill')) {
      this.#run({ kind: 'arm-timer', timer: 'kill', atMs: Date.now() + stopGraceMs });
    }
    this.#options = { ...this.#options, policy: { ...policy, stopGraceMs } };
    const operation = { id: randomUUID(), kind: 'shutdown' as const };
    return this.operate({ kind: 'shutdown', operation, lasting: false });
  }

  carryOut(id: string, act: Act): Promise<Outcome> {
    return carryOut(this, id, act);
  }

  /** The wish without what holds already: asking for what the manifest says is no change. */
  effective(wish: Variant): Variant {
    const { preset, sandbox } = this.#state.variant;
    const samePreset = wish.preset === (preset ?? this.#options.preset);
    const sameSandbox = wish.sandbox === this.#launcher.sandboxKind(this.#state.variant);
    return withWish(AS_MANIFEST, {
      preset: samePreset ? preset : wish.preset,
      sandbox: sameSandbox ? sandbox : wish.sandbox,
    });
  }

  /** Reasons why the runtime could not be launched in this sandbox; its child is not touched. */
  sandboxFaults(kind: SandboxKind): Promise<string[]> {
    return this.#launcher.sandboxFaults({ ...this.#state.variant, sandbox: kind });
  }

  /** Loads or unloads one model of a server that holds several; ended with the child, or after the load limit. */
  async controlModel(kind: 'load' | 'unload', model: string): Promise<Outcome> {
    const { backend, policy } = this.#options;
    const { id } = backend.descriptor;
    const { modelControl } = backend;
    if (modelControl === undefined) {
      return failure(
        'one-model',
        `${id} serves the model of its manifest; a router loads and unloads models`,
      );
    }
    const gone = this.#gone;
    if (this.#state.phase.kind !== 'serving' || gone === undefined) {
      return failure('not-serving', `${id} is ${this.record().status.state_label}: start it first`);
    }
    const until = AbortSignal.any([gone, AbortSignal.timeout(policy.loadLimitMs)]);
    const outcome = await modelControl[kind](model, until);
    // What has changed is to be seen now.
    this.#look.give();
    return outcome;
  }

  /** The runtime as it crosses the wire, as of now. */
  record(): RuntimeRecord {
    const { descriptor, presets } = this.backend;
    const models = this.#state.observation?.models ?? [];
    const sandbox = this.#launcher.sandboxKind(this.#state.variant);
    const preset = this.#state.variant.preset ?? this.#options.preset;
    return {
      descriptor: {
        ...descriptor,
        sandbox,
        presets: [...presets],
        ...(preset !== undefined && { preset }),
        ...(models.length > 0 && { models }),
      },
      status: describe(descriptor.id, this.#state, this.#updatedAtMs, Date.now(), this.#options.policy),
    };
  }

  #post(event: RuntimeEvent): void {
    const before = this.#materialPart();
    const next = step(this.#state, event, Date.now(), this.#options.policy);
    this.#state = next.state;
    this.#updatedAtMs = Date.now();
    for (const effect of next.effects) this.#run(effect);
    this.#remembering.keep(this.#state);
    if (this.#materialPart() !== before) {
      const { status } = this.record();
      this.#options.log.info(`${status.id}: ${status.state_label} - ${status.summary}`);
      this.#options.onMaterialChange();
    }
  }

  #run(effect: Effect): void {
    if (this.#released) return;
    switch (effect.kind) {
      case 'launch':
        void this.#launch(effect.launch, effect.variant);
        return;
      case 'signal':
        this.#child?.signal(effect.signal);
        return;
      case 'arm-timer':
        this.#cancel(effect.timer);
        this.#timers.set(
          effect.timer,
          setTimeout(
            () => {
              this.#timers.delete(effect.timer);
              this.#post({ kind: 'timer', timer: effect.timer });
            },
            Math.max(0, effect.atMs - Date.now()),
          ),
        );
        return;
      case 'cancel-timer':
        return this.#cancel(effect.timer);
      case 'settle':
        this.#outcomes.get(effect.operation.id)?.(effect.outcome);
        this.#outcomes.delete(effect.operation.id);
        return;
      default:
        return effect satisfies never;
    }
  }

  async #launch(launch: number, variant: Variant): Promise<void> {
    try {
      const faults = await this.#launcher.faults(variant);
      if (this.#released) return;
      // The checks took their time, and nobody wants it any more: what is started now would only be stopped again.
      if (faults.length > 0 || this.#state.wanted === 'down')
        return this.#post({ kind: 'blocked', launch, reasons: faults });
      const { child, spec, startBytes, sandbox } = await this.#launcher.spawn(variant, this.#output);
      this.#child = child;
      await this.#remembering.note(child, spec, startBytes, variant);
      this.#post({ kind: 'spawned', launch, pid: child.pid });
      void this.#awaitExit(child, launch, startBytes, sandbox);
    } catch (error) {
      this.#post({ kind: 'blocked', launch, reasons: [`Cannot be launched: ${messageOf(error)}`] });
    }
  }

  async #awaitExit(child: Supervised, launch: number, startBytes: number, sandbox: Sandbox): Promise<void> {
    const gone = new AbortController();
    this.#gone = gone.signal;
    void watchChild({
      observe: (signal) => this.#observe(child, signal),
      onObserved: (observation) => {
        this.#post({ kind: 'observed', launch, observation: this.#withUnderWay(observation) });
        return this.#state;
      },
      onGrowth: (callback) => this.#output.onGrowth(callback),
      nudge: this.#look,
      gone: gone.signal,
    });
    const endBounding = this.#output.keepBounded();
    const exit = await child.exited;
    gone.abort();
    endBounding();
    const cleared = this.#launcher.clear(sandbox);
    // A stop has ended once nothing is left. A crash is told at once, and only the next launch waits.
    if (this.#state.phase.kind === 'stopping') await cleared;
    if (this.#child === child) {
      this.#child = undefined;
      this.#remembering.child = undefined;
    }
    const { backend } = this;
    const lastLines = await this.#output.lastLines(startBytes, backend.exitLines ?? LAST_LINES);
    const reason = backend.explainExit(exit, lastLines);
    this.#post({ kind: 'exited', launch, exit, reason, jitter: Math.random() });
  }

  async #observe(child: Supervised, signal: AbortSignal): Promise<Observation> {
    const seen = await this.backend.observe(signal);
    if (this.#state.phase.kind !== 'loading') return seen;
    return this.#portOwner.confirm(seen, this.backend.endpoint().origin, child.pid, Date.now());
  }

  /** Counted when the look is over: what was routed while it lasted is in no slot that it saw. */
  #withUnderWay(observation: Observation): Observation {
    const underWay = this.#options.underWay?.();
    return observation.kind === 'ready' && underWay !== undefined
      ? { ...observation, underWay }
      : observation;
  }

  /** What a reader must see at once when it changes; running seconds and load are not part of it. */
  #materialPart(): string {
    const { descriptor, status } = this.record();
    const models = (descriptor.models ?? []).map((model) => [model.id, model.state]);
    const { used, max_restarts } = status.restart_budget ?? {};
    return JSON.stringify([
      status.state,
      status.severity,
      status.pid,
      used,
      max_restarts,
      models,
      this.#state.phase.kind,
      status.draining,
      // Whether it still waits for its slots.
      this.#state.drain?.emptyLooks === undefined,
      descriptor.sandbox,
      descriptor.preset,
    ]);
  }

  #cancel(timer: TimerName): void {
    clearTimeout(this.#timers.get(timer));
    this.#timers.delete(timer);
  }
}
