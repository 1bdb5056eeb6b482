// Owns the look at what a runtime needs to be launched: its program, with its version, and its model file.

import { execFile } from 'node:child_process';
import { open } from 'node:fs/promises';
import { isAbsolute, join } from 'node:path';
import { flagValue } from '../backends/launch-spec.ts';
import { commandFault, fileFault } from '../backends/preflight.ts';
import type { RuntimeEntry } from '../manifest-schema.ts';
import { childEnvironment, type LaunchSpec } from '../supervisor/child.ts';
import { fail, failAs, ok, type Finding } from './finding.ts';

const VERSION_WITHIN_MS = 5_000;
const GGUF_MAGIC = 'GGUF';
const GET_LLAMA_SERVER =
  'install llama.cpp (https://github.com/ggml-org/llama.cpp/releases; on Debian "npm run llama:install" in a clone ' +
  'fetches it) and put llama-server on the PATH, or set LLAMA_SERVER_BIN or process.command to its full path';

export async function checkProgram(
  check: string,
  spec: LaunchSpec,
  adapter: RuntimeEntry['adapter'],
): Promise<Finding[]> {
  const fault = await commandFault(spec);
  if (fault !== undefined) {
    const finding = failAs(check, fault);
    return [
      adapter === 'llama.cpp' && fault.startsWith('Program')
        ? { ...finding, remedy: GET_LLAMA_SERVER }
        : finding,
    ];
  }
  // Any other program might take --version for a start.
  if (adapter !== 'llama.cpp') return [ok(check, `program ${spec.command} is there`)];
  const version = await versionOf(spec);
  if (version.ok) return [ok(check, `${spec.command}, ${version.text}`)];
  return [
    fail(
      check,
      `${spec.command} --version fails: ${version.text}`,
      `run it yourself to see why; ${GET_LLAMA_SERVER}`,
    ),
  ];
}

export async function checkModel(check: string, spec: LaunchSpec): Promise<Finding[]> {
  const named = flagValue(spec.args, ['-m', '--model']);
  if (named === undefined) return [];
  const file = isAbsolute(named) ? named : join(spec.workdir ?? '.', named);
  const fault = await fileFault(file, 'Model file', 'the -m argument');
  if (fault !== undefined) return [failAs(check, fault)];
  const handle = await open(file, 'r');
  try {
    const { size } = await handle.stat();
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(GGUF_MAGIC.length), 0, GGUF_MAGIC.length, 0);
    if (buffer.toString('latin1', 0, bytesRead) !== GGUF_MAGIC) {
      return [
        fail(
          check,
          `model file ${file} is no GGUF file`,
          'download it again; a web page or a pointer was saved in its place',
        ),
      ];
    }
    return [ok(check, `model ${file}, GGUF, ${(size / 1e6).toFixed(1)} MB`)];
  } finally {
    await handle.close();
  }
}

function versionOf(spec: LaunchSpec): Promise<{ ok: boolean; text: string }> {
  return new Promise((resolve) => {
    execFile(
      spec.command,
      ['--version'],
      {
        cwd: spec.workdir,
        env: childEnvironment(process.env, spec.env),
        timeout: VERSION_WITHIN_MS,
        killSignal: 'SIGKILL',
      },
      (error, stdout, stderr) => {
        // It writes its version on stderr, after lines about the GPUs that it found.
        const lines = `${stdout}\n${stderr}`.split('\n').map((line) => line.trim());
        const told = lines.find((line) => /^version/i.test(line)) ?? lines.find((line) => line !== '');
        if (error === null) return resolve({ ok: true, text: told ?? 'no version told' });
        const reason = error.killed === true ? `no answer within ${VERSION_WITHIN_MS / 1000} s` : told;
        resolve({ ok: false, text: reason ?? error.message });
      },
    );
  });
}
