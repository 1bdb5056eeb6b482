// Owns how one runtime's variant becomes a process: what is checked before, the sandbox around it, the spawn.

import type { SandboxKind } from '../../contract/words.ts';
import type { Backend } from '../backends/backend.ts';
import { UNCONFINED, type Sandbox } from '../sandbox/sandbox.ts';
import { BoundedCheck } from './bounded-check.ts';
import { Child, type LaunchSpec } from './child.ts';
import type { RuntimeOutput } from './runtime-output.ts';
import type { Variant } from './variant.ts';

/** What a launch needs of a runtime's parts. */
export type LaunchParts = {
  backend: Backend;
  /** How a child is confined: in the named sandbox, else as the manifest says. Left out: not at all. */
  sandbox?: (kind: SandboxKind | undefined) => Sandbox;
};

export type Launched = { child: Child; spec: LaunchSpec; startBytes: number };

export class Launcher {
  readonly #parts: () => LaunchParts;
  readonly #check = new BoundedCheck();

  /** @param parts those in force: another manifest may bring others. */
  constructor(parts: () => LaunchParts) {
    this.#parts = parts;
  }

  sandboxKind(variant: Variant): SandboxKind {
    return this.#sandbox(variant).kind;
  }

  /** The launch of a variant, its sandbox around it. */
  spec(variant: Variant): LaunchSpec {
    const { backend } = this.#parts();
    return this.#sandbox(variant).confine(backend.launchSpec(variant.preset), backend.endpoint());
  }

  /** Reasons why nothing can be launched now; the backend then looks where this variant makes it serve. */
  faults(variant: Variant): Promise<string[]> {
    const { backend } = this.#parts();
    const { bringsProgram } = this.#sandbox(variant);
    backend.reset(variant.preset);
    return this.#check.run(async () => [
      ...(await this.sandboxFaults(variant)),
      ...(await backend.preflight(variant.preset, bringsProgram)),
    ]);
  }

  /** Reasons why the variant cannot be confined; a child that runs is not touched. */
  sandboxFaults(variant: Variant): Promise<string[]> {
    const { backend } = this.#parts();
    return this.#sandbox(variant).faults(backend.launchSpec(variant.preset), backend.endpoint());
  }

  /** Ends what a killed child of this variant left running. */
  clear(variant: Variant): Promise<void> {
    return this.#sandbox(variant).clear();
  }

  /** @throws the error of `spawn`. */
  async spawn(variant: Variant, output: RuntimeOutput): Promise<Launched> {
    const spec = this.spec(variant);
    await this.clear(variant);
    const { file, startBytes } = await output.open();
    try {
      return { child: await Child.spawn(spec, file.fd), spec, startBytes };
    } finally {
      // A child has its own copy of the descriptor from the spawn on.
      await file.close();
    }
  }

  #sandbox(variant: Variant): Sandbox {
    return this.#parts().sandbox?.(variant.sandbox) ?? UNCONFINED;
  }
}
