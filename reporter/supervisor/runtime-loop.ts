// Owns the effects for one runtime: it feeds events to the machine and does what the machine asks for. It decides nothing.

import { randomUUID } from 'node:crypto';
import type { FSWatcher } from 'node:fs';
import { open, type FileHandle } from 'node:fs/promises';
import { devNull } from 'node:os';
import type { Act } from '../../contract/command.ts';
import type { RuntimeRecord } from '../../contract/runtime-record.ts';
import type { SandboxKind } from '../../contract/words.ts';
import { foreignListener } from '../../system/listeners.ts';
import type { Backend, Endpoint } from '../backends/backend.ts';
import type { Log } from '../log.ts';
import { UNCONFINED, type Sandbox } from '../sandbox/sandbox.ts';
import { AdoptedChild, recognize } from './adopt.ts';
import { carryOut } from './carry-out.ts';
import { Child, type LaunchSpec, type Supervised } from './child.ts';
import { failure } from './decision.ts';
import { describe } from './describe.ts';
import type { RuntimeLog } from './logs.ts';
import { step } from './machine.ts';
import type { ManagedRuntime } from './managed-runtime.ts';
import {
  describeChild,
  keptState,
  rememberedState,
  type Memory,
  type RememberedChild,
  type RuntimeMemory,
} from './memory.ts';
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
import { watchChild } from './watch.ts';
import { messageOf } from '../errors.ts';

const LAST_LINES = 30;
/** A talkative server writes some MB an hour. */
const BOUND_LOG_EVERY_MS = 60_000;

export type RuntimeLoopOptions = {
  backend: Backend;
  policy: Policy;
  output: RuntimeLog;
  memory: RuntimeMemory;
  log: Log;
  /** The preset that the manifest names. */
  preset?: string;
  /** How a child is confined: in the named sandbox, else as the manifest says. Left out: not at all. */
  sandbox?: (kind: SandboxKind | undefined) => Sandbox;
  /** Something changed that a reader of the matrix should see now, not at the next report. */
  onMaterialChange: () => void;
};

export class RuntimeLoop implements ManagedRuntime {
  readonly backend: Backend;
  readonly #options: RuntimeLoopOptions;
  #state: RuntimeState;
  #updatedAtMs = Date.now();
  #child: Supervised | undefined;
  #remembered: RememberedChild | undefined;
  #released = false;
  /** Aborts when the present child is gone. */
  #gone: AbortSignal | undefined;
  /** Wakes the watch over the child. */
  readonly #look = new Nudge();
  /** Why the memory could not be written last; empty where it was. */
  #memoryFault = '';
  readonly #timers = new Map<TimerName, NodeJS.Timeout>();
  readonly #outcomes = new Map<string, (outcome: Outcome) => void>();

  constructor(options: RuntimeLoopOptions) {
    this.backend = options.backend;
    this.#options = options;
    const { memory, damaged } = options.memory.load();
    if (damaged) {
      options.log.warn(
        `${options.memory.path} is damaged: earlier restarts and a running child are not known`,
      );
    }
    this.#state = initialState(rememberedState(this.#known(memory)));
    this.#remembered = memory.child;
  }

  /** The memory without a preset that the manifest has lost since. */
  #known(memory: Memory): Memory {
    const { preset, ...variant } = memory.variant ?? {};
    const { descriptor, presets } = this.backend;
    if (preset === undefined || presets.includes(preset)) return memory;
    this.#options.log.warn(
      `${descriptor.id}: its preset "${preset}" is not in the manifest any more; it is left out`,
    );
    return { ...memory, variant };
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

  /** Takes over the child of an earlier reporter where it is still what it was; resolves when that is decided. */
  async adopt(): Promise<void> {
    const remembered = this.#remembered;
    if (remembered === undefined) return;
    const { backend, log } = this.#options;
    const { id } = backend.descriptor;
    const variant = withWish(AS_MANIFEST, remembered);
    const recognition = await recognize(remembered, this.#spec(variant));
    if (recognition.kind !== 'ours') {
      if (recognition.kind === 'different') {
        log.warn(
          `${id}: process ${remembered.pid} of an earlier reporter is left alone: ${recognition.reason}`,
        );
      }
      this.#remembered = undefined;
      return this.#remember();
    }
    log.info(`${id}: adopted process ${remembered.pid}, which an earlier reporter started`);
    backend.reset(variant.preset);
    const child = new AdoptedChild(remembered);
    this.#child = child;
    const { pid, started_at_ms: startedAtMs } = remembered;
    this.#post({ kind: 'adopted', pid, startedAtMs, variant });
    void this.#awaitExit(child, this.#state.launch, remembered.log_start_bytes);
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

  async shutDown(): Promise<void> {
    const operation = { id: randomUUID(), kind: 'shutdown' as const };
    await this.operate({ kind: 'shutdown', operation, lasting: false });
  }

  carryOut(id: string, act: Act): Promise<Outcome> {
    return carryOut(this, id, act);
  }

  /** The wish without what holds already: asking for what the manifest says is no change. */
  effective(wish: Variant): Variant {
    const { preset, sandbox } = this.#state.variant;
    const samePreset = wish.preset === (preset ?? this.#options.preset);
    const sameSandbox = wish.sandbox === this.#sandbox(this.#state.variant).kind;
    return withWish(AS_MANIFEST, {
      preset: samePreset ? preset : wish.preset,
      sandbox: sameSandbox ? sandbox : wish.sandbox,
    });
  }

  sandboxFaults(kind: SandboxKind): Promise<string[]> {
    return this.#sandbox({ sandbox: kind }).faults();
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
    return modelControl[kind](model, AbortSignal.any([gone, AbortSignal.timeout(policy.loadLimitMs)]));
  }

  /** The runtime as it crosses the wire, as of now. */
  record(): RuntimeRecord {
    const { descriptor } = this.backend;
    const models = this.#state.observation?.models ?? [];
    const sandbox = this.#sandbox(this.#state.variant).kind;
    return {
      descriptor: { ...descriptor, sandbox, ...(models.length > 0 && { models }) },
      status: describe(descriptor.id, this.#state, this.#updatedAtMs, Date.now(), this.#options.policy),
    };
  }

  #post(event: RuntimeEvent): void {
    const before = this.#materialPart();
    const next = step(this.#state, event, Date.now(), this.#options.policy);
    this.#state = next.state;
    this.#updatedAtMs = Date.now();
    for (const effect of next.effects) this.#run(effect);
    this.#remember();
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
            () => this.#post({ kind: 'timer', timer: effect.timer }),
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
    const { backend } = this.#options;
    try {
      const faults = [
        ...(await this.#sandbox(variant).faults()),
        ...(await backend.preflight(variant.preset)),
      ];
      if (faults.length > 0) return this.#post({ kind: 'blocked', launch, reasons: faults });
      backend.reset(variant.preset);
      const spec = this.#spec(variant);
      const { file, startBytes } = await this.#openOutput();
      let child: Child;
      try {
        child = await Child.spawn(spec, file.fd);
      } finally {
        // A child has its own copy of the descriptor from the spawn on.
        await file.close();
      }
      this.#child = child;
      await this.#noteChild(child, spec, startBytes, variant);
      this.#post({ kind: 'spawned', launch, pid: child.pid });
      void this.#awaitExit(child, launch, startBytes);
    } catch (error) {
      this.#post({ kind: 'blocked', launch, reasons: [`Cannot be launched: ${messageOf(error)}`] });
    }
  }

  /** A server whose words have no place is worth more than none. */
  async #openOutput(): Promise<{ file: FileHandle; startBytes: number }> {
    try {
      return await this.#options.output.open();
    } catch (error) {
      this.#options.log.warn(`${this.backend.descriptor.id}: its log is not kept: ${messageOf(error)}`);
      return { file: await open(devNull, 'a'), startBytes: 0 };
    }
  }

  async #awaitExit(child: Supervised, launch: number, startBytes: number): Promise<void> {
    const { backend, output } = this.#options;
    const gone = new AbortController();
    this.#gone = gone.signal;
    void watchChild({
      observe: (signal) => this.#observe(child, signal),
      onObserved: (observation) => {
        this.#post({ kind: 'observed', launch, observation });
        return this.#state;
      },
      onGrowth: (callback) => this.#watchGrowth(callback),
      nudge: this.#look,
      gone: gone.signal,
    });
    const bounding = setInterval(() => void this.#boundLog(), BOUND_LOG_EVERY_MS);
    const exit = await child.exited;
    clearInterval(bounding);
    gone.abort();
    if (this.#child === child) {
      this.#child = undefined;
      this.#remembered = undefined;
    }
    let lastLines: string[] = [];
    try {
      lastLines = await output.tail(startBytes, backend.exitLines ?? LAST_LINES);
    } catch (error) {
      this.#options.log.warn(`${backend.descriptor.id}: its log cannot be read: ${messageOf(error)}`);
    }
    const reason = backend.explainExit(exit, lastLines);
    this.#post({ kind: 'exited', launch, exit, reason, jitter: Math.random() });
  }

  /** Looks once. What a child has never answered itself does not make it ready: a stranger may hold its port. */
  async #observe(child: Supervised, signal: AbortSignal): Promise<Observation> {
    const observation = await this.backend.observe(signal);
    if (this.#state.phase.kind !== 'loading' || observation.kind === 'failing') return observation;
    const { hostname, port, protocol } = new URL(this.backend.endpoint().origin);
    const number = Number(port || (protocol === 'https:' ? 443 : 80));
    const stranger = await foreignListener(hostname.replace(/^\[|\]$/g, ''), number, child.pid);
    if (stranger === undefined) return observation;
    const who = `process ${stranger.pid} (${stranger.program})`;
    return { kind: 'loading', detail: `Port ${number} is answered by ${who}, not by this runtime` };
  }

  async #boundLog(): Promise<void> {
    try {
      await this.#options.output.bound();
    } catch (error) {
      this.#options.log.warn(
        `${this.backend.descriptor.id}: its log cannot be kept small: ${messageOf(error)}`,
      );
    }
  }

  #watchGrowth(callback: () => void): FSWatcher | undefined {
    try {
      const watcher = this.#options.output.onGrowth(callback);
      watcher.on('error', () => watcher.close());
      return watcher;
    } catch (error) {
      // Out of inotify watches: the polling finds the same, a moment later.
      this.#options.log.warn(`${this.backend.descriptor.id}: its log is not watched: ${messageOf(error)}`);
      return undefined;
    }
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
    ]);
  }

  /** Never throws: the child lives already, and what happens to it must not hang on what is remembered of it. */
  async #noteChild(child: Child, spec: LaunchSpec, startBytes: number, variant: Variant): Promise<void> {
    try {
      this.#remembered = await describeChild(child.pid, spec, startBytes, variant);
    } catch (error) {
      this.#options.log.warn(`Process ${child.pid} cannot be adopted later: ${messageOf(error)}`);
    }
  }

  /** The launch of a variant, its sandbox around it. */
  #spec(variant: Variant): LaunchSpec {
    return this.#sandbox(variant).confine(this.backend.launchSpec(variant.preset));
  }

  #sandbox(variant: Variant): Sandbox {
    return this.#options.sandbox?.(variant.sandbox) ?? UNCONFINED;
  }

  #remember(): void {
    const child = this.#remembered;
    const { memory, log } = this.#options;
    let fault = '';
    try {
      memory.save({ ...keptState(this.#state), ...(child && { child }) });
    } catch (error) {
      // Supervision goes on; only a later reporter would not know what this one did.
      fault = `${memory.path} cannot be written: ${messageOf(error)}`;
    }
    // Once, however many events find the disk full.
    if (fault !== this.#memoryFault) {
      if (fault === '') log.info(`${memory.path} is written again`);
      else log.error(fault);
    }
    this.#memoryFault = fault;
  }

  #cancel(timer: TimerName): void {
    clearTimeout(this.#timers.get(timer));
    this.#timers.delete(timer);
  }
}
