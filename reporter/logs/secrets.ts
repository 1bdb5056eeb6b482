// Owns which values of a launch are secrets: what its arguments and its environment give to names that say so.

/** `--api-key`, `--hf-token`, `-hft` and their like; `--api-key-file` names a file, `--max-tokens` counts. */
const SECRET_FLAG = /^--?(?:[a-z0-9]+[-_])*(?:api[-_]?key|token|secret|password|passwd|hft)$/i;
const SECRET_NAME = /(?:^|_)(?:TOKEN|KEY|KEYS|SECRET|PASSWORD|PASSWD|PASS|PWD|CREDENTIALS?)$/i;
/** The names of what is no secret, though it looks like one. */
const NO_SECRET = /^(?:PWD|OLDPWD)$/;

/** A short value is a switch ("true", "none") rather than a secret, and stands in ordinary words. */
const ENVIRONMENT_MIN_LENGTH = 6;

type Environment = Readonly<Record<string, string | undefined>>;

export function secretsOf(args: readonly string[], env: Environment): string[] {
  return [...secretsOfArgs(args), ...secretsOfEnvironment(env)];
}

function secretsOfArgs(args: readonly string[]): string[] {
  return args.flatMap((arg, index) => {
    const equals = arg.indexOf('=');
    if (equals > 0 && SECRET_FLAG.test(arg.slice(0, equals))) return eachOf(arg.slice(equals + 1));
    return SECRET_FLAG.test(arg) ? eachOf(args[index + 1] ?? '') : [];
  });
}

export function secretsOfEnvironment(env: Environment): string[] {
  return Object.entries(env).flatMap(([name, value]) =>
    value !== undefined && SECRET_NAME.test(name) && !NO_SECRET.test(name)
      ? eachOf(value).filter((part) => part.length >= ENVIRONMENT_MIN_LENGTH)
      : [],
  );
}

/** `--api-key` takes several, with commas between. */
function eachOf(value: string): string[] {
  return [value, ...value.split(',')].map((part) => part.trim()).filter((part) => part !== '');
}
