// Owns which checks `arw-cli doctor` makes, and in which order: settings, hub, clock, version, token, nodes.

import * as v from 'valibot';
import packageJson from '../../package.json' with { type: 'json' };
import { MatrixSchema, NodesSchema } from '../../contract/read-models.ts';
import { CliError, EXIT } from '../errors.ts';
import { askHub, expectBody, lookAt, type Hub } from '../hub-client.ts';
import { isOpenToOthers, profilePath, readProfiles } from '../settings/profile-file.ts';
import { settingsFrom, type HubFlags, type Settings } from '../settings/settings.ts';
import { fail, failAs, ok, skipped, type Finding } from './finding.ts';
import { judgeClock, judgeNodes, judgeVersion } from './judge.ts';

type Environment = Readonly<Record<string, string | undefined>>;

const AboutSchema = v.looseObject({ name: v.string(), version: v.string() });

/** Every finding, in the order in which things are to be mended. */
export async function examine(flags: HubFlags, env: Environment): Promise<Finding[]> {
  const file = await profileFindings(profilePath(env));
  let settings: Settings;
  try {
    settings = await settingsFrom(flags, env);
  } catch (error) {
    if (!(error instanceof CliError)) throw error;
    // What is wrong with the file is told already.
    const told = file.some(({ status }) => status === 'fail') ? [] : [failAs('settings', error.message)];
    return [...file, ...told, skipped('everything else', 'once the settings can be used')];
  }
  const { hub, token, remedy } = settings;
  const origin = [
    ok('hub setting', `${hub.value.href}, from ${hub.from}`),
    token === undefined
      ? fail('token setting', 'there is no token', `${remedy}, or keep one with "arw-cli login"`)
      : ok('token setting', `from ${token.from}`),
  ];
  const at: Hub = { url: hub.value, token: token?.value, remedy };
  return [...file, ...origin, ...(await hubFindings(at))];
}

async function profileFindings(path: string): Promise<Finding[]> {
  try {
    const file = await readProfiles(path);
    const count = Object.keys(file.profiles).length;
    if (count === 0) return [ok('profiles', `none in ${path}`)];
    if (isOpenToOthers(file)) {
      const mode = (file.mode ?? 0).toString(8);
      return [fail('profiles', `${path} has mode ${mode}: others may read its tokens`, `chmod 600 ${path}`)];
    }
    return [ok('profiles', `${Object.keys(file.profiles).join(', ')} in ${path}, for its owner alone`)];
  } catch (error) {
    if (error instanceof CliError) return [failAs('profiles', error.message)];
    throw error;
  }
}

async function hubFindings(hub: Hub): Promise<Finding[]> {
  const rest = ['clock', 'version', 'token', 'nodes'].map((check) => skipped(check, 'once the hub answers'));
  const look = await attempt('hub', () => lookAt(hub, 'healthz'));
  if (!look.ok) return [look.finding, ...rest];
  const { status, text, date, askedAtMs, answeredAtMs } = look.value;
  if (status !== 200 || text.trim() !== 'ok') {
    const what = `${hub.url.origin} answered ${status}, but not as a hub does`;
    return [
      fail('hub', what, 'check --hub or ARW_HUB_URL, and what stands between (proxy, login page)'),
      ...rest,
    ];
  }
  const about = await attempt('version', async () =>
    expectBody(hub, await askHub(hub, 'GET', 'about'), AboutSchema),
  );
  return [
    ok('hub', `${hub.url.href} answers in ${Math.round(answeredAtMs - askedAtMs)} ms`),
    judgeClock(date, askedAtMs, answeredAtMs),
    about.ok ? judgeVersion(packageJson.version, about.value.version) : about.finding,
    ...(await nodeFindings(hub)),
  ];
}

async function nodeFindings(hub: Hub): Promise<Finding[]> {
  if (hub.token === undefined)
    return [skipped('token', 'there is none'), skipped('nodes', 'once there is a token')];
  const read = await attempt('token', async () => {
    const [nodes, matrix] = await Promise.all([
      askHub(hub, 'GET', 'state/nodes'),
      askHub(hub, 'GET', 'state/runtime_matrix?view=summary'),
    ]);
    return {
      nodes: expectBody(hub, nodes, NodesSchema).nodes,
      matrix: expectBody(hub, matrix, MatrixSchema),
    };
  });
  if (!read.ok) return [read.finding, skipped('nodes', 'once the hub takes the token')];
  return [ok('token', 'the hub takes it'), ...judgeNodes(read.value.nodes, read.value.matrix)];
}

type Attempt<T> = { ok: true; value: T } | { ok: false; finding: Finding };

async function attempt<T>(check: string, look: () => Promise<T>): Promise<Attempt<T>> {
  try {
    return { ok: true, value: await look() };
  } catch (error) {
    if (!(error instanceof CliError)) throw error;
    // That nobody answers is the hub's fault, whatever was asked.
    const subject = error.exitCode === EXIT.unreachable ? 'hub' : check;
    return { ok: false, finding: failAs(subject, error.message) };
  }
}
