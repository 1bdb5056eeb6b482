// Owns which checks there are and what each is given. A check whose ground is missing is skipped by name, not left out.

import {
  ConfigError,
  readHub,
  readJoinToken,
  readLlamaServer,
  readPlace,
  type Environment,
  type Flags,
  type Place,
} from '../config.ts';
import { loadCredentials } from '../credentials.ts';
import type { Manifest, RuntimeEntry } from '../manifest-schema.ts';
import { loadManifest, ManifestError } from '../manifest.ts';
import { fail, failAs, guarded, ok, skipped, warn, type Finding } from './finding.ts';
import { checkGateway } from './gateway.ts';
import { checkGpus } from './gpu.ts';
import { checkHub, checkToken, noClock } from './hub.ts';
import { checkProgram } from './programs.ts';
import { checkRuntime } from './runtimes.ts';
import { checkStateDir } from './state-dir.ts';

const JOIN = 'get a join token from its operator (arw-cli join-token) and set ARW_JOIN_TOKEN';
const WRITE_MANIFEST =
  'write one there, or name another with --manifest; two lines are enough: version = 1 and runtimes = ' +
  '[{ id = "llama", adapter = "llama.cpp", process = { args = ["-m", "/path/to/model.gguf"] } }]';

/** Every finding, in the order in which things are to be mended. */
export async function examine(flags: Flags, env: Environment): Promise<Finding[]> {
  const node = ok('Node', `${process.versions.node}, ${process.platform} ${process.arch}`);
  const place = settingOf(() => readPlace(flags, env));
  if (place instanceof ConfigError) {
    return [
      node,
      failAs('settings', place.message),
      skipped('everything else', 'once the settings can be used'),
    ];
  }
  const { manifest, findings } = await manifestOf(place);
  const runtimes = manifest?.runtimes ?? [];
  const groups = await Promise.all([
    guarded('state', () => checkStateDir(place.stateDir)),
    guarded('llama-server', () => programs(runtimes, manifest, env, place)),
    guarded('GPU', () => checkGpus(runtimes)),
    guarded('gateway', () => checkGateway(manifest, env, place.stateDir)),
    guarded('hub', () => hubAndToken(flags, env, place)),
  ]);
  return [node, ...findings, ...groups.flat()];
}

async function manifestOf(place: Place): Promise<{ manifest: Manifest | undefined; findings: Finding[] }> {
  const { manifestPath } = place;
  try {
    const manifest = await loadManifest(manifestPath);
    const count = manifest.runtimes.length;
    const told = `${manifestPath}, ${count} ${count === 1 ? 'runtime' : 'runtimes'}`;
    const empty = warn('manifest', told, 'name what this host is to run in it, with [[runtimes]] tables');
    return { manifest, findings: [count === 0 ? empty : ok('manifest', told)] };
  } catch (error) {
    if (!(error instanceof ManifestError)) throw error;
    const isMissing = error.faults[0]?.startsWith('there is no such file') === true;
    const findings = isMissing
      ? [fail('manifest', `there is no ${manifestPath}`, WRITE_MANIFEST)]
      : error.faults.map((fault) => fail('manifest', fault, `mend that in ${manifestPath}`));
    return { manifest: undefined, findings };
  }
}

async function programs(
  runtimes: readonly RuntimeEntry[],
  manifest: Manifest | undefined,
  env: Environment,
  place: Place,
): Promise<Finding[]> {
  const llamaServer = readLlamaServer(env);
  if (manifest === undefined) {
    const spec = { command: llamaServer, args: [], env: {}, workdir: undefined };
    return [
      ...(await checkProgram('llama-server', spec, 'llama.cpp')),
      skipped('models', 'once the manifest names them'),
      skipped('ports', 'once the manifest names them'),
    ];
  }
  const { node, stateDir } = place;
  const checks = { llamaServer, node, stateDir, env };
  const found = runtimes.map((entry) => guarded(entry.id, () => checkRuntime(entry, checks)));
  return (await Promise.all(found)).flat();
}

async function hubAndToken(flags: Flags, env: Environment, place: Place): Promise<Finding[]> {
  const hub = settingOf(() => readHub(flags, env));
  if (hub instanceof ConfigError) {
    const missing = fail(
      'hub',
      hub.message.split('; ')[0] ?? hub.message,
      'set --hub URL or ARW_HUB_URL to your hub; "arw-hub" starts one on this machine',
    );
    const joinable =
      readJoinToken(flags, env) === undefined ? fail('token', 'there is no join token', JOIN) : [];
    return [missing, noClock(), joinable].flat();
  }
  const [reached, token] = await Promise.all([checkHub(hub), tokenFinding(flags, env, place, hub)]);
  return [...reached, token];
}

async function tokenFinding(flags: Flags, env: Environment, place: Place, hub: URL): Promise<Finding> {
  const { node, stateDir } = place;
  try {
    const kept = await loadCredentials(stateDir, hub, node);
    if (kept !== undefined) return await checkToken(kept, hub);
  } catch (error) {
    if (error instanceof ConfigError) return failAs('token', error.message);
    throw error;
  }
  if (readJoinToken(flags, env) === undefined) {
    return fail('token', `node ${node} is not enrolled at ${hub.href}`, JOIN);
  }
  return ok('token', `node ${node} is not enrolled yet; the join token is used at the first run`);
}

function settingOf<T>(read: () => T): T | ConfigError {
  try {
    return read();
  } catch (error) {
    if (error instanceof ConfigError) return error;
    throw error;
  }
}
