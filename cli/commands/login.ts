// Owns `arw-cli login`: a hub and its token under a name, kept once the hub has accepted the token.

import { NodesSchema } from '../../contract/read-models.ts';
import { CliError, EXIT } from '../errors.ts';
import { askHub, expectBody } from '../hub-client.ts';
import { print, printJson } from '../output.ts';
import { checkedName, profilePath, readProfiles, saveProfiles } from '../settings/profile-file.ts';
import { decide, type HubFlags } from '../settings/settings.ts';
import { askSecret } from '../terminal/ask.ts';

/** What a profile is called where nobody names it. */
const FIRST_NAME = 'default';

export async function login(flags: HubFlags, { json = false }: { json?: boolean }): Promise<void> {
  const { env } = process;
  const path = profilePath(env);
  const file = await readProfiles(path);
  const name = checkedName(flags.profile ?? (env['ARW_PROFILE'] || file.default || FIRST_NAME));
  const known = file.profiles[name];
  // The token that is kept is the one that is to be replaced.
  const kept = known === undefined ? {} : { [name]: { hub: known.hub } };
  const { profile: _profile, ...named } = flags;
  // Only a profile that was named by flag comes before the environment; a new one has no hub yet.
  const isNamed = flags.profile !== undefined && known !== undefined;
  const { hub, token: given } = decide(
    { ...named, ...(isNamed && { profile: name }) },
    { ...env, ARW_PROFILE: undefined },
    { path, profiles: kept },
  );
  const token = given?.value ?? (await askSecret(`Token of ${hub.value.origin} (it is not shown): `));
  if (token === undefined) {
    throw new CliError(
      EXIT.usage,
      'there is no token; type it, pipe it in, or set ARW_ADMIN_TOKEN or --token',
    );
  }
  const asked = { url: hub.value, token, remedy: 'nothing was kept; check the token and log in again' };
  expectBody(asked, await askHub(asked, 'GET', 'state/nodes'), NodesSchema);
  await saveProfiles({
    path,
    default: file.default ?? name,
    profiles: { ...file.profiles, [name]: { hub: hub.value.href, token } },
  });
  if (json) return printJson({ profile: name, hub: hub.value.href, path });
  print(`profile "${name}" is kept in ${path} (mode 600): ${hub.value.origin} accepts its token`);
}
