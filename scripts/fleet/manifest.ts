// Owns the manifest of the fleet that `npm start` runs: one runtime, on the engine and the model that were found.

import { parseArgsStringToArgv } from 'string-argv';
import { stringify } from 'smol-toml';
import type { Engine } from '../engine/find-engine.ts';

export type RuntimeChoice = {
  engine: Engine;
  modelPath: string;
  port: number;
  gatewayPort: number;
  /** `LLAMA_SERVER_ARGS`, as a shell would split it. */
  extraArgs: string;
};

export const RUNTIME_ID = 'llama.local';

export function manifestText({ engine, modelPath, port, gatewayPort, extraArgs }: RuntimeChoice): string {
  const stub = engine.kind === 'stub';
  const [command, leading] = stub ? [engine.command, engine.args] : [engine.binary, []];
  return stringify({
    version: 1,
    gateway: { port: gatewayPort },
    runtimes: [
      {
        id: RUNTIME_ID,
        adapter: 'llama.cpp',
        // Whoever reads a status must see that no model is behind it.
        name: stub ? 'Llama (engine: stub)' : 'Llama',
        accelerator: 'cpu',
        tags: { engine: stub ? 'stub' : 'llama.cpp' },
        process: {
          command,
          args: [...leading, '-m', modelPath, '--port', String(port), ...parseArgsStringToArgv(extraArgs)],
        },
      },
    ],
  });
}
