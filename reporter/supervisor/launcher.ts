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

export type Launched = {
  child: Child;
  spec: LaunchSpec;
  startBytes: number;
  /** What it was confined by, whatever is in force when it ends. */
  sandbox: Sandbox;
};

export class Launcher {
  readonly #parts: () => LaunchParts;
  readonly #check = new BoundedCheck();
  readonly #switchCheck = new BoundedCheck();
  /** Pending while something that an ended child left is being ended. */
  #cleared: Promise<unknown> = Promise.resolve();

  /** @param parts those in force: another manifest may bring others. */
  constructor(parts: () => LaunchParts) {
    this.#parts = parts;
  }

  sandboxKind(variant: Variant): SandboxKind {
    return this.sandboxOf(variant).kind;
  }

  /** The sandbox of a variant; of that kind, where the kind is known. */
  sandboxOf(variant: Variant, kind = variant.sandbox): Sandbox {
    return this.#parts().sandbox?.(kind) ?? UNCONFINED;
  }

  /** What a child of this variant may be known by; earlier releases knew some by their whole command line. */
  asked(variant: Variant): (readonly string[])[] {
    const { backend } = this.#parts();
    const spec = backend.launchSpec(variant.preset);
    const { asked: _, ...line } = spec;
    return [spec, line].map((launch) => this.sandboxOf(variant).asked(launch, backend.endpoint()));
  }

  /** Reasons why nothing can be launched now; the backend then looks where this variant makes it serve. */
  async faults(variant: Variant): Promise<string[]> {
    // It may still hold the port.
    await this.#cleared;
    const { backend } = this.#parts();
    const { bringsProgram } = this.sandboxOf(variant);
    backend.reset(variant.preset);
    return this.#check.run(async () => [
      ...(await this.#confineFaults(variant)),
      ...(await backend.preflight(variant.preset, bringsProgram)),
    ]);
  }

  /** Reasons why the variant cannot be confined; a child that runs is not touched. */
  sandboxFaults(variant: Variant): Promise<string[]> {
    return this.#switchCheck.run(() => this.#confineFaults(variant));
  }

  /** Ends what an ended child left running; until then nothing is launched. */
  async clear(sandbox: Sandbox): Promise<void> {
    const clearing = sandbox.clear();
    this.#cleared = Promise.all([this.#cleared, clearing]);
    await clearing;
  }

  /** @throws the error of `spawn`. */
  async spawn(variant: Variant, output: RuntimeOutput): Promise<Launched> {
    const { backend } = this.#parts();
    const sandbox = this.sandboxOf(variant);
    const spec = sandbox.confine(backend.launchSpec(variant.preset), backend.endpoint());
    await sandbox.clear();
    const { file, startBytes } = await output.open();
    try {
      return { child: await Child.spawn(spec, file.fd), spec, startBytes, sandbox };
    } finally {
      // A child has its own copy of the descriptor from the spawn on.
      await file.close();
    }
  }

  #confineFaults(variant: Variant): Promise<string[]> {
    const { backend } = this.#parts();
    return this.sandboxOf(variant).faults(backend.launchSpec(variant.preset), backend.endpoint());
  }
}
