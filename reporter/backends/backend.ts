// Owns the contract of a backend: what the supervisor may ask of any inference server, whatever its make.

import type { RuntimeDescriptor } from '../../contract/runtime-record.ts';
import type { LaunchSpec } from '../supervisor/child.ts';
import type { Exit, Observation, Outcome } from '../supervisor/state.ts';

/** Where a server takes requests, and what it wants to be told with each (its API key). */
export type Endpoint = { origin: string; headers: Readonly<Record<string, string>> };

/** Loading and unloading among the models of one server. An outcome says how it ended, never throws for what it does. */
export type ModelControl = {
  load(model: string, signal: AbortSignal): Promise<Outcome>;
  unload(model: string, signal: AbortSignal): Promise<Outcome>;
};

export type Backend = {
  /** What it is; models are added from observations. */
  readonly descriptor: RuntimeDescriptor;
  /** The names that `restore` may give as `preset`. */
  readonly presets: readonly string[];
  /** How to start it. `preset` is one of `presets`, else the manifest's own. */
  launchSpec(preset: string | undefined): LaunchSpec;
  /** Reasons why a launch cannot succeed now, each saying what to do; empty where nothing speaks against it. */
  preflight(preset: string | undefined): Promise<string[]>;
  /**
   * Looks once, without changing what it looks at. Never throws for what the server does: that is an observation.
   * @param signal ends the look when the child is gone.
   */
  observe(signal: AbortSignal): Promise<Observation>;
  /**
   * Forgets measurements of an earlier process: its counters mean nothing for the next, which is launched with
   * `preset` and is looked at where that makes it serve.
   */
  reset(preset: string | undefined): void;
  /** Where the process that was launched last takes requests. */
  endpoint(): Endpoint;
  /** Undefined where the server serves one model for its whole life. */
  readonly modelControl?: ModelControl;
  /** How many of the last lines `explainExit` needs to find a cause; few by default. */
  readonly exitLines?: number;
  /** One sentence on why the process ended, from its exit and the last lines that it wrote. */
  explainExit(exit: Exit, lastLines: readonly string[]): string;
};
