// Reading the manifest: what is right is taken as it is, what is wrong is told in one sentence with file, key, reason.

import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { loadManifest, ManifestError, parseManifest } from '../../reporter/manifest.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

const FILE = '/etc/runtimes.toml';

/** A manifest of one runtime, with lines added at the top, in the runtime and in its process. */
function manifest(parts: { top?: string; runtime?: string; process?: string; after?: string } = {}): string {
  return `
${parts.top ?? 'version = 1'}
[[runtimes]]
id = "llama.70b"
adapter = "llama.cpp"
${parts.runtime ?? ''}
[runtimes.process]
${parts.process ?? ''}
${parts.after ?? ''}
`;
}

function faultOf(text: string): string {
  try {
    parseManifest(text, FILE);
  } catch (error) {
    if (error instanceof ManifestError) return error.message;
    throw error;
  }
  return 'none';
}

test('everything that the manifest reference names is read', () => {
  const text = `
version = 1
[[runtimes]]
id = "llama.70b"
adapter = "llama.cpp"
name = "Llama 70B"
profile = "default"
modalities = ["text"]
accelerator = "gpu_cuda"
auto_start = false
preset = "long"
tags = { rack = "b2" }
[runtimes.process]
command = "llama-server"
args = ["-m", "/models/x.gguf", "--port", "8081"]
env = { CUDA_VISIBLE_DEVICES = "0" }
workdir = "/srv/llama"
start_timeout_seconds = 600
stop_timeout_seconds = 5
[runtimes.process.health]
url = "http://127.0.0.1:8081/health"
method = "GET"
expect_status = 200
expect_body = "ok"
timeout_ms = 3000
[runtimes.sandbox]
kind = "bwrap"
image = "ghcr.io/ggml-org/llama.cpp:server"
entrypoint = "/app/llama-server"
read = ["/srv/lora"]
write = ["/srv/cache"]
devices = true
[runtimes.restart]
max = 3
window_seconds = 600
[runtimes.presets.long]
args = ["-c", "32768"]
env = { A = "b" }

[[runtimes]]
id = "whisper"
adapter = "process"
[runtimes.process]
command = "whisper-server"
[runtimes.process.health]
url = "http://127.0.0.1:9000/"
`;
  const read = parseManifest(text, FILE);
  expect(read.runtimes.map(({ id }) => id)).toEqual(['llama.70b', 'whisper']);
  expect(read.runtimes[0]).toMatchObject({
    accelerator: 'gpu_cuda',
    auto_start: false,
    preset: 'long',
    process: { args: ['-m', '/models/x.gguf', '--port', '8081'], health: { timeout_ms: 3000 } },
    sandbox: { kind: 'bwrap', read: ['/srv/lora'], write: ['/srv/cache'], devices: true },
    restart: { max: 3, window_seconds: 600 },
    presets: { long: { args: ['-c', '32768'], env: { A: 'b' } } },
  });
});

test('a manifest without runtimes is one: a node may only be watched', () => {
  expect(parseManifest('version = 1', FILE)).toEqual({ version: 1, runtimes: [] });
});

const AT = `${FILE}: runtimes[0] (llama.70b)`;
const UNKNOWN = 'is not a known key; check its spelling against the manifest reference';

describe('a fault in one sentence', () => {
  test.each<[string, string, string]>([
    ['no version', manifest({ top: '' }), `${FILE}: version: is required`],
    ['another version', manifest({ top: 'version = 2' }), `${FILE}: version: must be 1`],
    ['a typo at the top', manifest({ top: 'version = 1\nruntime = 1' }), `${FILE}: runtime: ${UNKNOWN}`],
    [
      'runtimes that are a table',
      'version = 1\n[runtimes]\nid = "x"',
      `${FILE}: runtimes: must be [[runtimes]] tables`,
    ],
    ['a typo in a runtime', manifest({ runtime: 'acelerator = "cpu"' }), `${AT}.acelerator: ${UNKNOWN}`],
    ['a typo in the process', manifest({ process: 'arg = []' }), `${AT}.process.arg: ${UNKNOWN}`],
    [
      'a typo in the health check',
      manifest({ after: '[runtimes.process.health]\nurl = "http://h/"\ntimeout = 1' }),
      `${AT}.process.health.timeout: ${UNKNOWN}`,
    ],
    [
      'a typo in the restart rule',
      manifest({ after: '[runtimes.restart]\nwindow = 1' }),
      `${AT}.restart.window: ${UNKNOWN}`,
    ],
    [
      'a typo in a preset',
      manifest({ after: '[runtimes.presets.long]\nargz = []' }),
      `${AT}.presets.long.argz: ${UNKNOWN}`,
    ],
    [
      'no id',
      'version = 1\n[[runtimes]]\nadapter = "llama.cpp"\n[runtimes.process]',
      `${FILE}: runtimes[0].id: is required`,
    ],
    [
      'an id with a slash',
      'version = 1\n[[runtimes]]\nid = "a/b"\nadapter = "llama.cpp"\n[runtimes.process]',
      `${FILE}: runtimes[0] (a/b).id: must be 1-127 letters, digits, ".", "_", ":" or "-"`,
    ],
    [
      'no process',
      'version = 1\n[[runtimes]]\nid = "x"\nadapter = "llama.cpp"',
      `${FILE}: runtimes[0] (x).process: is required`,
    ],
    [
      'a process that is text',
      'version = 1\n[[runtimes]]\nid = "x"\nadapter = "llama.cpp"\nprocess = "llama-server"',
      `${FILE}: runtimes[0] (x).process: must be a table`,
    ],
    [
      'an adapter that is not there',
      'version = 1\n[[runtimes]]\nid = "x"\nadapter = "ollama"\n[runtimes.process]',
      `${FILE}: runtimes[0] (x).adapter: must be one of "llama.cpp", "vllm", "whisper.cpp", "onnx", "process", "remote"`,
    ],
    [
      'a text where a truth is due',
      manifest({ runtime: 'auto_start = "yes"' }),
      `${AT}.auto_start: must be true or false`,
    ],
    [
      'args that are text',
      manifest({ process: 'args = "-m x"' }),
      `${AT}.process.args: must be a list of strings`,
    ],
    [
      'a number among args',
      manifest({ process: 'args = ["--port", 80]' }),
      `${AT}.process.args[1]: must be a string`,
    ],
    ['an empty command', manifest({ process: 'command = ""' }), `${AT}.process.command: must not be empty`],
    ['a number in env', manifest({ process: 'env = { A = 1 }' }), `${AT}.process.env.A: must be a string`],
    [
      'env that is a list',
      manifest({ process: 'env = ["A=1"]' }),
      `${AT}.process.env: must be a table of strings`,
    ],
    [
      'tags that are a date',
      manifest({ runtime: 'tags = 2026-11-22' }),
      `${AT}.tags: must be a table of strings`,
    ],
    [
      'presets that are a list',
      manifest({ after: '[[runtimes.presets]]\nargs = []' }),
      `${AT}.presets: must be [runtimes.presets.NAME] tables`,
    ],
    [
      'a health URL that is none',
      manifest({ after: '[runtimes.process.health]\nurl = "localhost"' }),
      `${AT}.process.health.url: must be a URL, for example "http://127.0.0.1:8080/health"`,
    ],
    [
      'a health URL of another kind',
      manifest({ after: '[runtimes.process.health]\nurl = "ftp://host/x"' }),
      `${AT}.process.health.url: must begin with http:// or https://`,
    ],
    [
      'a timeout that is too short',
      manifest({ after: '[runtimes.process.health]\nurl = "http://h/"\ntimeout_ms = 1' }),
      `${AT}.process.health.timeout_ms: must be a whole number from 50 to 60000`,
    ],
    [
      'a sandbox for what has no process',
      'version = 1\n[[runtimes]]\nid = "x"\nadapter = "remote"\nremote = { url = "https://api.example" }\nsandbox = { kind = "bwrap" }',
      `${FILE}: runtimes[0] (x).sandbox: a remote endpoint has no process to supervise; remove it`,
    ],
    ['a sandbox that is text', manifest({ runtime: 'sandbox = "bwrap"' }), `${AT}.sandbox: must be a table`],
    [
      'a sandbox that is not there',
      manifest({ after: '[runtimes.sandbox]\nkind = "jail"' }),
      `${AT}.sandbox.kind: must be one of "none", "bwrap", "container"`,
    ],
    [
      'a container without an image',
      manifest({ after: '[runtimes.sandbox]\nkind = "container"' }),
      `${AT}.sandbox.image: is required for sandbox "container"; name the image that brings the server`,
    ],
    [
      'a path of a sandbox that is not a full one',
      manifest({ after: '[runtimes.sandbox]\nread = ["models"]' }),
      `${AT}.sandbox.read[0]: must be a full path that begins with / and holds no colon`,
    ],
    [
      'half a restart',
      manifest({ after: '[runtimes.restart]\nmax = 1.5' }),
      `${AT}.restart.max: must be a whole number from 0 to 1000`,
    ],
    [
      'a preset that is not there',
      manifest({ runtime: 'preset = "long"' }),
      `${AT}.preset: there is no table [runtimes.presets.long]`,
    ],
    [
      'a preset with a bad name',
      manifest({ after: '[runtimes.presets."a b"]' }),
      `${AT}.presets.a b: must be 1-63 letters, digits, ".", "_" or "-"`,
    ],
    [
      'a port that is none',
      manifest({ process: 'args = ["--port", "80a"]' }),
      `${AT}.process.args: --port "80a" must be a whole number from 1 to 65535`,
    ],
    [
      'a port beyond the last',
      manifest({ process: 'args = ["--port=65536"]' }),
      `${AT}.process.args: --port "65536" must be a whole number from 1 to 65535`,
    ],
    [
      'a port of 0, which nobody could ask',
      manifest({ after: '[runtimes.presets.p]\nargs = ["--port", "0"]' }),
      `${AT}.presets.p.args: --port "0" must be a whole number from 1 to 65535`,
    ],
    [
      'a host that is none',
      manifest({ process: 'args = ["--host", "my host"]' }),
      `${AT}.process.args: --host "my host" is neither a host name nor an address`,
    ],
  ])('%s', (_what, text, fault) => {
    expect(faultOf(text)).toBe(fault);
  });

  test.each([
    ['"cuda"', '"cuda" is not known, did you mean "gpu_cuda"?; '],
    ['"Apple M4"', '"Apple M4" is not known, did you mean "gpu_metal"?; '],
    ['"gpu"', '"gpu" is not known; '],
    ['1', 'must be a string; '],
  ])('accelerator = %s: the known ones are listed, and the one that is meant', (accelerator, reason) => {
    expect(faultOf(manifest({ runtime: `accelerator = ${accelerator}` }))).toBe(
      `${AT}.accelerator: ${reason}the known ones are cpu, gpu_cuda, gpu_rocm, gpu_metal, gpu_vulkan, ` +
        'npu_directml, npu_coreml, npu_other, other',
    );
  });
  test('an id that is used twice', () => {
    const twice = `${manifest()}\n[[runtimes]]\nid = "llama.70b"\nadapter = "llama.cpp"\n[runtimes.process]`;
    expect(faultOf(twice)).toBe(
      `${FILE}: runtimes[1] (llama.70b).id: "llama.70b" is used by runtimes[0] already; ids are unique`,
    );
  });
  test('a process without its command and health: each on a line', () => {
    const text = 'version = 1\n[[runtimes]]\nid = "x"\nadapter = "process"\n[runtimes.process]';
    expect(faultOf(text)).toBe(
      `${FILE}: 2 faults\n` +
        '  runtimes[0] (x).process.command: is required for adapter "process"\n' +
        '  runtimes[0] (x).process.health: is required for adapter "process"',
    );
  });
  test('two wrong kinds: each on a line', () => {
    const text = manifest({ runtime: 'auto_start = 1', process: 'command = 2' });
    expect(faultOf(text)).toBe(
      `${FILE}: 2 faults\n` +
        '  runtimes[0] (llama.70b).auto_start: must be true or false\n' +
        '  runtimes[0] (llama.70b).process.command: must be a string',
    );
  });
  test('more than ten: ten of them, and how many more', () => {
    const lines = faultOf(manifest({ process: `args = [${'1, '.repeat(12)}]` })).split('\n');
    expect(lines).toHaveLength(12);
    expect(lines[0]).toBe(`${FILE}: 12 faults`);
    expect(lines[11]).toBe('  and 2 more');
  });
  test('not TOML: with line and column', () => {
    expect(faultOf('version = 1\nruntimes = [')).toMatch(
      /^\/etc\/runtimes\.toml:\d+:\d+: not valid TOML: \S/,
    );
    expect(faultOf('version = 1\nversion = 1')).toMatch(/^\/etc\/runtimes\.toml:2:\d+: not valid TOML: \S/);
  });
  test('IPv6 addresses are hosts, with and without brackets', () => {
    expect(faultOf(manifest({ process: 'args = ["--host", "::1"]' }))).toBe('none');
    expect(faultOf(manifest({ process: 'args = ["--host", "[::1]"]' }))).toBe('none');
  });
});

describe('the file', () => {
  test('is read from disk', async () => {
    const path = join(await temporaryFolder(), 'runtimes.toml');
    await writeFile(path, manifest());
    await expect(loadManifest(path)).resolves.toMatchObject({ runtimes: [{ id: 'llama.70b' }] });
  });
  test('that is missing is told with what to do', async () => {
    const path = join(await temporaryFolder(), 'none.toml');
    await expect(loadManifest(path)).rejects.toThrow(
      new ManifestError(path, ['there is no such file; name another one with --manifest FILE']),
    );
  });
  test('that is a folder is told too', async () => {
    const path = await temporaryFolder();
    await expect(loadManifest(path)).rejects.toThrow(`${path}: it cannot be read (EISDIR)`);
  });
});

test('a misspelt required key is told as misspelt first, then as missing', () => {
  const text = 'version = 1\n[[runtimes]]\nid = "a"\nadaptor = "llama.cpp"\n[runtimes.process]\n';
  expect(() => parseManifest(text, 'm.toml')).toThrow(
    'm.toml: 2 faults\n' +
      '  runtimes[0] (a).adaptor: is not a known key; check its spelling against the manifest reference\n' +
      '  runtimes[0] (a).adapter: is required',
  );
});

test('an idle probe is for llama.cpp alone', () => {
  const text = `
version = 1
[[runtimes]]
id = "whisper"
adapter = "process"
[runtimes.process]
command = "whisper-server"
idle_probe_seconds = 60
[runtimes.process.health]
url = "http://127.0.0.1:9000/"
`;
  expect(() => parseManifest(text, FILE)).toThrow(
    `${FILE}: runtimes[0] (whisper).process.idle_probe_seconds: is for adapter "llama.cpp" alone; leave it out`,
  );
  expect(parseManifest(text.replace('"process"', '"llama.cpp"'), FILE).runtimes).toHaveLength(1);
});

test.each<[string, string]>([
  ['args = ["--models-dir", "/models", "-m", "/models/x.gguf"]', '--models-dir'],
  [
    'args = ["--models-preset", "/models.ini"]\nenv = { LLAMA_ARG_HF_REPO = "user/model" }',
    '--models-preset',
  ],
])('a router that is given a model is neither: %s', (keys, flag) => {
  const text = `version = 1\n[[runtimes]]\nid = "r"\nadapter = "llama.cpp"\n[runtimes.process]\n${keys}\n`;
  expect(() => parseManifest(text, FILE)).toThrow(
    `${FILE}: runtimes[0] (r).process.args: ${flag} is for a router, and a model is named too; leave one of the two out`,
  );
});
