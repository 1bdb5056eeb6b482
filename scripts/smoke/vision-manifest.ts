// Owns the manifest that the vision suite generates: the stub llava as a supervised program, and no gateway.

import { fileURLToPath } from 'node:url';
import { stringify } from 'smol-toml';

export const VISION_RUNTIME = 'llava.stub';

/** Long enough that a restart is a time, short enough that nobody waits for it. */
const LOAD_MS = 300;

const RESTARTS_MAX = 1000;

export function visionManifest(port: number): string {
  const program = fileURLToPath(new URL('./stub-llava.ts', import.meta.url));
  return stringify({
    version: 1,
    // Nobody asks this host for completions here.
    gateway: { enabled: false },
    runtimes: [
      {
        id: VISION_RUNTIME,
        adapter: 'process',
        // Whoever reads a status must see that no model is behind it.
        name: 'LLaVA (engine: stub)',
        modalities: ['text', 'vision'],
        accelerator: 'cpu',
        tags: { engine: 'stub' },
        // A folder that is used again remembers the restarts of earlier runs.
        restart: { max: RESTARTS_MAX },
        process: {
          command: process.execPath,
          args: [program, '--port', String(port), '--load-ms', String(LOAD_MS)],
          health: { url: `http://127.0.0.1:${port}/health`, expect_body: 'ok' },
        },
      },
    ],
  });
}
