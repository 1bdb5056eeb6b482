// Owns the shape of the manifest: which keys the TOML file may hold, and what each must be. The file's reader is manifest.ts.

import * as v from 'valibot';
import { AcceleratorSchema, type Accelerator } from '../contract/accelerator.ts';
import { RuntimeIdSchema } from '../contract/ids.ts';
import { Line, wholeNumber } from '../contract/scalars.ts';
import { SANDBOX_KINDS } from '../contract/words.ts';

const Word = v.pipe(v.string('must be a string'), v.minLength(1, 'must not be empty'));
const Words = v.array(Word, 'must be a list of strings');
// `record` takes a list and a date for a table too, and would read keys out of them.
const isTable = (value: unknown): boolean =>
  typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof Date);
const StringMap = v.pipe(
  v.custom<Record<string, unknown>>(isTable, 'must be a table of strings'),
  v.record(v.string(), v.string('must be a string')),
);
const Name = v.pipe(
  Word,
  v.regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$/, 'must be 1-63 letters, digits, ".", "_" or "-"'),
);

/** The backends that a manifest may name. */
export const ADAPTERS = ['llama.cpp', 'vllm', 'whisper.cpp', 'onnx', 'process', 'remote'] as const;

const HttpUrl = v.pipe(
  Word,
  v.url('must be a URL, for example "http://127.0.0.1:8080/health"'),
  v.regex(/^https?:/, 'must begin with http:// or https://'),
);

/** What people call them elsewhere. */
const ACCELERATOR_WORDS: readonly [RegExp, Accelerator][] = [
  [/cuda|nvidia/i, 'gpu_cuda'],
  [/rocm|amd|hip/i, 'gpu_rocm'],
  [/metal|apple|mps/i, 'gpu_metal'],
  [/vulkan|intel/i, 'gpu_vulkan'],
  [/directml|dml/i, 'npu_directml'],
  [/core_?ml|ane/i, 'npu_coreml'],
  [/npu/i, 'npu_other'],
  [/cpu/i, 'cpu'],
];

function acceleratorFault(input: unknown): string {
  const known = `the known ones are ${AcceleratorSchema.options.join(', ')}`;
  if (typeof input !== 'string') return `must be a string; ${known}`;
  const meant = ACCELERATOR_WORDS.find(([pattern]) => pattern.test(input))?.[1];
  return `"${input}" is not known${meant === undefined ? '' : `, did you mean "${meant}"?`}; ${known}`;
}

const HealthSchema = v.strictObject({
  url: HttpUrl,
  method: v.optional(v.picklist(['GET', 'HEAD', 'POST'], 'must be "GET", "HEAD" or "POST"')),
  expect_status: v.optional(wholeNumber(100, 599)),
  expect_body: v.optional(Word),
  timeout_ms: v.optional(wholeNumber(50, 60_000)),
});

const ProcessSchema = v.strictObject({
  command: v.optional(Word),
  args: v.optional(Words),
  env: v.optional(StringMap),
  workdir: v.optional(Word),
  start_timeout_seconds: v.optional(wholeNumber(1, 24 * 3600)),
  stop_timeout_seconds: v.optional(wholeNumber(1, 600)),
  wedge_seconds: v.optional(wholeNumber(1, 24 * 3600)),
  idle_probe_seconds: v.optional(wholeNumber(0, 24 * 3600)),
  health: v.optional(HealthSchema),
});

const RemoteSchema = v.strictObject({
  url: v.pipe(
    HttpUrl,
    v.check((text) => {
      const { username, password, search } = new URL(text);
      return username === '' && password === '' && search === '';
    }, 'must hold no key or password; name the variable that holds it in api_key_env'),
  ),
  opt_in: v.optional(v.boolean('must be true or false')),
  api_key_env: v.optional(
    v.pipe(
      Word,
      v.regex(/^[A-Za-z_][A-Za-z0-9_]*$/, 'must be the name of an environment variable, not the key itself'),
    ),
  ),
  models: v.optional(Words),
  check_every_seconds: v.optional(wholeNumber(5, 24 * 3600)),
  timeout_ms: v.optional(wholeNumber(50, 60_000)),
});

const AbsolutePaths = v.array(
  v.pipe(Word, v.regex(/^\/[^:]*$/, 'must be a full path that begins with / and holds no colon')),
  'must be a list of strings',
);

const SandboxSchema = v.strictObject({
  kind: v.optional(
    v.picklist(SANDBOX_KINDS, `must be one of ${SANDBOX_KINDS.map((kind) => `"${kind}"`).join(', ')}`),
  ),
  image: v.optional(Word),
  entrypoint: v.optional(Word),
  read: v.optional(AbsolutePaths),
  write: v.optional(AbsolutePaths),
  devices: v.optional(v.boolean('must be true or false')),
});

const RuntimeTable = v.strictObject({
  id: RuntimeIdSchema,
  adapter: v.picklist(ADAPTERS, `must be one of ${ADAPTERS.map((name) => `"${name}"`).join(', ')}`),
  name: v.optional(Line),
  profile: v.optional(Line),
  modalities: v.optional(v.array(Line, 'must be a list of strings')),
  accelerator: v.optional(v.picklist(AcceleratorSchema.options, ({ input }) => acceleratorFault(input))),
  auto_start: v.optional(v.boolean('must be true or false')),
  preset: v.optional(Name),
  tags: v.optional(StringMap),
  process: v.optional(ProcessSchema),
  remote: v.optional(RemoteSchema),
  sandbox: v.optional(SandboxSchema),
  restart: v.optional(
    v.strictObject({
      max: v.optional(wholeNumber(0, 1000)),
      window_seconds: v.optional(wholeNumber(1, 30 * 86_400)),
    }),
  ),
  presets: v.optional(
    v.pipe(
      v.custom<Record<string, unknown>>(isTable, 'must be [runtimes.presets.NAME] tables'),
      v.record(Name, v.strictObject({ args: v.optional(Words), env: v.optional(StringMap) })),
    ),
  ),
});

/** The table that an adapter cannot do without. */
const needed = ({ adapter }: { adapter: string }): 'process' | 'remote' =>
  adapter === 'remote' ? 'remote' : 'process';

const RuntimeSchema = v.pipe(
  RuntimeTable,
  v.rawCheck(({ dataset, addIssue }) => {
    if (!dataset.typed) return;
    const input = dataset.value;
    const key = needed(input);
    if (input[key] !== undefined) return;
    addIssue({
      message: 'is required',
      path: [{ type: 'object', origin: 'value', input, key, value: undefined }],
    });
  }),
  v.transform((entry) => ({ ...entry, process: entry.process ?? {} })),
);
export type RuntimeEntry = v.InferOutput<typeof RuntimeSchema>;

const GatewaySchema = v.strictObject({
  enabled: v.optional(v.boolean('must be true or false')),
  port: v.optional(wholeNumber(0, 65_535)),
  api_key_env: v.optional(
    v.pipe(Word, v.regex(/^[A-Za-z_][A-Za-z0-9_]*$/, 'must be the name of an environment variable')),
  ),
});

export const ManifestSchema = v.strictObject({
  version: v.literal(1, 'must be 1'),
  gateway: v.optional(GatewaySchema),
  runtimes: v.optional(v.array(RuntimeSchema, 'must be [[runtimes]] tables'), []),
});
export type Manifest = v.InferOutput<typeof ManifestSchema>;
