// Owns the step that both suites have: the matrix as everybody reads it.

import { matrixFaults } from './matrix-faults.ts';
import type { SmokeHub } from './smoke-hub.ts';
import type { Step } from './steps.ts';

export async function checkMatrix(step: Step, hub: SmokeHub): Promise<void> {
  await step('every matrix item speaks and is fresh', async () => {
    const answer = await hub.ask('/state/runtime_matrix');
    const faults = matrixFaults(await answer.json());
    if (faults.length > 0) throw new Error(faults.join('; '));
  });
}
