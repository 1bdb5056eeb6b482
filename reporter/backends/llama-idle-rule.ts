// Owns whether and how often an idle model is asked for a token: the manifest's word, and what `--sleep-idle-seconds`
// makes of its silence.

import type { RuntimeEntry } from '../manifest-schema.ts';
import { flagValue } from './launch-spec.ts';
import type { IdleProbeRule } from './llama-idle-prober.ts';

const EVERY_SECONDS = 300;
/** A model that needs longer for one token after minutes of rest is of no use to whoever waits for it. */
const TOKEN_LIMIT_SECONDS = 30;
const WEDGE_SECONDS = 60;

/** When this model goes to sleep, in ms of rest; undefined where it never does. */
export function sleepIdleMs(
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): number | undefined {
  const seconds = Number(flagValue(args, ['--sleep-idle-seconds']) ?? env['LLAMA_ARG_SLEEP_IDLE_SECONDS']);
  return seconds > 0 ? seconds * 1000 : undefined;
}

/**
 * Undefined where an idle model is not asked. A question counts as use, so a model that is to sleep when it rests would
 * never sleep: there it is asked only where the manifest says so.
 */
export function idleProbeRule(process: RuntimeEntry['process'], sleeps: boolean): IdleProbeRule | undefined {
  const everySeconds = process.idle_probe_seconds ?? (sleeps ? 0 : EVERY_SECONDS);
  if (everySeconds === 0) return undefined;
  const limitSeconds = Math.min(process.wedge_seconds ?? WEDGE_SECONDS, TOKEN_LIMIT_SECONDS);
  return { everyMs: everySeconds * 1000, timeoutMs: limitSeconds * 1000 };
}
