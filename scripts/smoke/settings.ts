// Owns what a smoke suite is told by its environment: which suite, which engine, how long, and where it may write.

export type SuiteName = 'runtime' | 'vision';

export type SmokeSettings = {
  suite: SuiteName;
  /** `real` wants a llama-server and never passes with the stub. */
  engine: 'stub' | 'real';
  /** Undefined: the guard is off. */
  timeoutSeconds: number | undefined;
  /** The folder that the user gives the vision suite; it is used as it is and never removed. */
  root: string | undefined;
};

/** A setting cannot be used; `message` says which and what to do. */
export class SettingsError extends Error {
  override readonly name = 'SettingsError';
}

const DEFAULT_TIMEOUT_SECONDS = 600;
/** The longest that a timer of Node takes: 24 days. */
const TIMEOUT_MAX_SECONDS = Math.floor(0x7fff_ffff / 1000);

type Environment = Readonly<Record<string, string | undefined>>;

/** @param asked the suite that the command names. @throws SettingsError */
export function readSmokeSettings(asked: SuiteName, env: Environment): SmokeSettings {
  const mode = oneOf(env, 'ARW_SMOKE_MODE', ['runtime', 'vision']);
  const engine = oneOf(env, 'MODE', ['stub', 'real']) ?? 'stub';
  const suite = asked === 'vision' || mode === 'vision' ? 'vision' : 'runtime';
  const root = suite === 'vision' ? given(env, 'VISION_SMOKE_ROOT') : undefined;
  return { suite, engine, timeoutSeconds: timeoutSeconds(env), root };
}

function timeoutSeconds(env: Environment): number | undefined {
  for (const name of ['RUNTIME_SMOKE_TIMEOUT_SECS', 'SMOKE_TIMEOUT_SECS']) {
    const text = given(env, name);
    if (text === undefined) continue;
    const seconds = /^\d+(\.\d+)?$/.test(text) ? Number(text) : Number.NaN;
    if (!(seconds <= TIMEOUT_MAX_SECONDS)) {
      throw new SettingsError(
        `${name} is "${text}": set seconds from 0 (no limit) to ${TIMEOUT_MAX_SECONDS}, or unset it`,
      );
    }
    return seconds === 0 ? undefined : seconds;
  }
  return DEFAULT_TIMEOUT_SECONDS;
}

function oneOf<const Word extends string>(
  env: Environment,
  name: string,
  words: readonly Word[],
): Word | undefined {
  const text = given(env, name);
  const word = words.find((known) => known === text);
  if (text !== undefined && word === undefined) {
    throw new SettingsError(`${name} is "${text}": set it to ${words.join(' or ')}, or unset it`);
  }
  return word;
}

/** A variable that is set to nothing counts as not set. */
function given(env: Environment, name: string): string | undefined {
  const text = env[name]?.trim();
  return text === '' ? undefined : text;
}
