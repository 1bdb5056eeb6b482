// Owns the checks of one runtime of the manifest: a process to be launched here, or an endpoint elsewhere.

import { makeBackend, makeRemote } from '../backends/registry.ts';
import { lookAtRemote, type Remote } from '../backends/remote.ts';
import type { Environment } from '../config.ts';
import type { RuntimeEntry } from '../manifest-schema.ts';
import { sandboxesOf } from '../sandbox/sandboxes.ts';
import { RuntimeMemory } from '../supervisor/memory.ts';
import { fail, failAs, ok, skipped, type Finding } from './finding.ts';
import { checkPort } from './ports.ts';
import { checkModel, checkProgram } from './programs.ts';

const STOP_GRACE_MS = 5_000;

export type RuntimeChecks = { llamaServer: string; node: string; stateDir: string; env: Environment };

export async function checkRuntime(entry: RuntimeEntry, checks: RuntimeChecks): Promise<Finding[]> {
  const { id, adapter } = entry;
  const remote = makeRemote(entry, checks.env);
  if (remote !== undefined) return [await checkRemote(id, remote)];
  const { llamaServer, node, stateDir } = checks;
  const backend = makeBackend(entry, { llamaServer });
  backend.reset(undefined);
  const spec = backend.launchSpec(undefined);
  const endpoint = backend.endpoint();
  const sandbox = sandboxesOf(entry, { node, stateDir, stopGraceMs: STOP_GRACE_MS })(undefined);
  const { memory } = new RuntimeMemory(stateDir, id).load();
  const [faults, ...found] = await Promise.all([
    sandbox.faults(spec, endpoint),
    sandbox.bringsProgram ? [] : checkProgram(id, spec, adapter),
    adapter === 'llama.cpp' ? checkModel(id, spec) : [],
    checkPort(id, endpoint.origin, memory.child?.pid),
  ]);
  const confined = sandbox.kind === 'none' ? [] : [ok(id, `sandbox ${sandbox.kind} can be had`)];
  return [...(faults.length === 0 ? confined : faults.map((fault) => failAs(id, fault))), ...found.flat()];
}

async function checkRemote(check: string, remote: Remote): Promise<Finding> {
  const { optIn, egress, endpoint, keyVariable } = remote;
  if (!optIn) return skipped(check, `${egress} is off: remote.opt_in is not true`);
  if (endpoint === undefined) {
    return fail(
      check,
      `the key for ${egress} is missing`,
      `set ${keyVariable} in the reporter's environment`,
    );
  }
  const sight = await lookAtRemote(remote, endpoint, new AbortController().signal);
  if (sight.kind === 'answers') return ok(check, `${egress} answers, ${sight.listed} models`);
  return fail(check, `${egress}: ${sight.reason}`, 'check remote.url, the key and the way there');
}
