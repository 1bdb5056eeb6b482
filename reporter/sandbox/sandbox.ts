// Owns how a child is confined at its launch, and nothing else: a launch in, the launch of its sandbox out.

import type { SandboxKind } from '../../contract/words.ts';
import type { LaunchSpec } from '../supervisor/child.ts';

export type Sandbox = {
  readonly kind: SandboxKind;
  /** The launch that runs `spec` inside. */
  confine(spec: LaunchSpec): LaunchSpec;
  /** Reasons why nothing can be launched in it on this host, each saying what to do. */
  faults(): Promise<string[]>;
};

export const UNCONFINED: Sandbox = { kind: 'none', confine: (spec) => spec, faults: async () => [] };
