// Owns the bubblewrap sandbox as the supervisor sees it: one child, which is the sandbox program with its plan.

import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { bwrapFaults } from './bwrap-check.ts';
import type { Endpoint } from '../backends/backend.ts';
import type { LaunchSpec } from '../supervisor/child.ts';
import type { Plan } from './program/plan.ts';
import { addressOf, askedOf, loopbackFaults, type Sandbox } from './sandbox.ts';

export type BwrapSettings = Pick<Plan, 'read' | 'write' | 'devices' | 'socketDir'>;

export function bwrapSandbox(settings: BwrapSettings): Sandbox {
  const planOf = (spec: LaunchSpec, endpoint: Endpoint): string => {
    const plan: Plan = {
      ...addressOf(endpoint),
      ...settings,
      workdir: spec.workdir !== undefined,
      env: Object.keys(spec.env),
    };
    return JSON.stringify(plan);
  };
  const asked = (spec: LaunchSpec, endpoint: Endpoint): readonly string[] => [
    planOf(spec, endpoint),
    ...askedOf(spec),
  ];
  return {
    kind: 'bwrap',
    bringsProgram: false,
    confine(spec, endpoint) {
      const words = [planOf(spec, endpoint), spec.command, ...spec.args];
      return {
        ...spec,
        command: process.execPath,
        args: [...NODE_FLAGS, sandboxProgram(), 'outer', ...words],
        // Where Node and this release lie may change with an upgrade, which is no reason to part with a child.
        asked: asked(spec, endpoint),
        confinedIn: 'bwrap',
      };
    },
    asked,
    async faults(_spec, endpoint) {
      return [...loopbackFaults(endpoint, 'bwrap'), ...(await bwrapFaults())];
    },
    // Everything in it ends with its child.
    clear: async () => undefined,
  };
}

/** It moves bytes: a small heap is enough, and is taken instead of the large one that Node would let grow. */
const NODE_FLAGS = ['--max-semi-space-size=1', '--max-old-space-size=64'];

/** Beside us as it is shipped, or as it lies in the repository. */
function sandboxProgram(): string {
  const shipped = fileURLToPath(new URL('./arw-sandbox.mjs', import.meta.url));
  return existsSync(shipped) ? shipped : fileURLToPath(new URL('./program/main.ts', import.meta.url));
}
