// Owns how llama-server's command line is read and completed: where it listens, which model it loads.

import type { LaunchSpec } from '../supervisor/child.ts';
import { flagValue } from './launch-spec.ts';
import { fromWorkdir, listenAddress, withAddress, type ListenAddress } from './listen-address.ts';

/** Where a llama-server listens that is told nothing else. */
export const DEFAULT_PORT = '8080';

/**
 * Says explicitly what must not depend on a build's defaults: the address (loopback), the port, and the two
 * endpoints that are read. What the manifest says itself is left as it is.
 */
export function withDefaults(spec: LaunchSpec): LaunchSpec {
  const args = [...withAddress(spec, DEFAULT_PORT).args];
  if (!args.includes('--metrics')) args.push('--metrics');
  if (!args.includes('--slots') && !args.includes('--no-slots')) args.push('--slots');
  return { ...spec, args };
}

export function endpointOf(spec: LaunchSpec): ListenAddress & { headers: Record<string, string> } {
  const apiKey = flagValue(spec.args, ['--api-key'])?.split(',')[0] ?? spec.env['LLAMA_API_KEY'];
  const headers: Record<string, string> = apiKey === undefined ? {} : { authorization: `Bearer ${apiKey}` };
  return { ...listenAddress(spec.args, DEFAULT_PORT), headers };
}

/** The file that `-m` names; undefined where the model comes from elsewhere, or from nowhere. */
export function modelFileOf(spec: LaunchSpec): string | undefined {
  const file = flagValue(spec.args, ['-m', '--model']) ?? spec.env['LLAMA_ARG_MODEL'];
  return file === undefined ? undefined : fromWorkdir(spec, file);
}

const MODEL_FLAGS = [
  '-m',
  '--model',
  '-mu',
  '--model-url',
  '-dr',
  '--docker-repo',
  '-hf',
  '-hfr',
  '--hf-repo',
];
const MODEL_VARIABLES = [
  'LLAMA_ARG_MODEL',
  'LLAMA_ARG_MODEL_URL',
  'LLAMA_ARG_DOCKER_REPO',
  'LLAMA_ARG_HF_REPO',
];
/** Flags that stand for a model of the server's own choice, as `--gpt-oss-20b-default` does. */
const CHOSEN_MODEL = /^--(fim|embd|gpt-oss|vision)-.*-(default|spec)$/;

/** A llama-server that is given no model routes to several. */
export function isRouter({ args, env }: Pick<LaunchSpec, 'args' | 'env'>): boolean {
  return !(
    flagValue(args, MODEL_FLAGS) !== undefined ||
    args.some((arg) => CHOSEN_MODEL.test(arg)) ||
    MODEL_VARIABLES.some((name) => env[name] !== undefined)
  );
}

/** Where a router finds its models; what is left out is not used. */
export function modelsSourceOf(spec: LaunchSpec): { directory?: string; preset?: string } {
  const { args, env } = spec;
  const directory = flagValue(args, ['--models-dir']) ?? env['LLAMA_ARG_MODELS_DIR'];
  const preset = flagValue(args, ['--models-preset']) ?? env['LLAMA_ARG_MODELS_PRESET'];
  return {
    ...(directory !== undefined && { directory: fromWorkdir(spec, directory) }),
    ...(preset !== undefined && { preset: fromWorkdir(spec, preset) }),
  };
}

/** With a model of its own a server routes to none of the others, and would ignore without a word where they are. */
export function modelsFaults(
  key: string,
  { args = [], env = {} }: { args?: readonly string[] | undefined; env?: Record<string, string> | undefined },
): string[] {
  const flag = ['--models-dir', '--models-preset'].find((name) => flagValue(args, [name]) !== undefined);
  if (flag === undefined || isRouter({ args, env })) return [];
  return [`${key}: ${flag} is for a router, and a model is named too; leave one of the two out`];
}
