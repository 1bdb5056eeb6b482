// Which hub and which token: flags before environment before file, and no token goes to another hub than its own.

import { expect, test } from 'vitest';
import type { ProfileFile } from '../../cli/settings/profile-file.ts';
import { decide, settingsFrom, type HubFlags } from '../../cli/settings/settings.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

const FILE: ProfileFile = {
  path: '/c/cli.toml',
  mode: 0o600,
  default: 'home',
  profiles: {
    home: { hub: 'https://home.example', token: 'home-token' },
    work: { hub: 'https://work.example:8443/hub', token: 'work-token' },
    open: { hub: 'http://127.0.0.1:8787' },
  },
};
const NONE: ProfileFile = { path: '/c/cli.toml', profiles: {} };

test.each<
  [string, HubFlags, Record<string, string>, ProfileFile, string, string, string | undefined, string?]
>([
  ['nothing is set', {}, {}, NONE, 'http://127.0.0.1:8787/', 'default', undefined],
  [
    'a default profile',
    {},
    {},
    FILE,
    'https://home.example/',
    'profile "home" in /c/cli.toml',
    'home-token',
    'profile "home" in /c/cli.toml',
  ],
  [
    'a profile is named by flag',
    { profile: 'work' },
    { ARW_PROFILE: 'home' },
    FILE,
    'https://work.example:8443/hub/',
    'profile "work" in /c/cli.toml',
    'work-token',
    'profile "work" in /c/cli.toml',
  ],
  [
    'a profile is named by the environment',
    {},
    { ARW_PROFILE: 'work' },
    FILE,
    'https://work.example:8443/hub/',
    'profile "work" in /c/cli.toml',
    'work-token',
    'profile "work" in /c/cli.toml',
  ],
  [
    'environment before file',
    {},
    { ARW_HUB_URL: 'https://e.example', ARW_ADMIN_TOKEN: 'e' },
    FILE,
    'https://e.example/',
    'ARW_HUB_URL',
    'e',
    'ARW_ADMIN_TOKEN',
  ],
  [
    'flags before environment',
    { hub: 'https://f.example', token: 'f' },
    { ARW_HUB_URL: 'https://e.example', ARW_ADMIN_TOKEN: 'e' },
    FILE,
    'https://f.example/',
    '--hub',
    'f',
    '--token',
  ],
  [
    'a token for the hub of the profile',
    {},
    { ARW_ADMIN_TOKEN: 'e' },
    FILE,
    'https://home.example/',
    'profile "home" in /c/cli.toml',
    'e',
    'ARW_ADMIN_TOKEN',
  ],
  [
    'the same hub by another way keeps the token',
    { hub: 'https://home.example/' },
    {},
    FILE,
    'https://home.example/',
    '--hub',
    'home-token',
    'profile "home" in /c/cli.toml',
  ],
  [
    'another hub gets no token',
    { hub: 'https://other.example' },
    {},
    FILE,
    'https://other.example/',
    '--hub',
    undefined,
  ],
  [
    'the same name under another scheme is another hub',
    { hub: 'http://home.example' },
    {},
    FILE,
    'http://home.example/',
    '--hub',
    undefined,
  ],
  [
    'another hub under the same origin is another hub',
    { profile: 'work', hub: 'https://work.example:8443/hub2' },
    {},
    FILE,
    'https://work.example:8443/hub2/',
    '--hub',
    undefined,
  ],
  [
    'a profile that is named by flag comes before a whole environment',
    { profile: 'work' },
    { ARW_HUB_URL: 'https://e.example', ARW_ADMIN_TOKEN: 'e' },
    FILE,
    'https://work.example:8443/hub/',
    'profile "work" in /c/cli.toml',
    'work-token',
    'profile "work" in /c/cli.toml',
  ],
  [
    'the token of the environment goes to no hub of a profile that has its own',
    { profile: 'work' },
    { ARW_ADMIN_TOKEN: 'e' },
    FILE,
    'https://work.example:8443/hub/',
    'profile "work" in /c/cli.toml',
    'work-token',
    'profile "work" in /c/cli.toml',
  ],
  [
    'flags come before a profile that is named by flag',
    { profile: 'work', hub: 'https://f.example', token: 'f' },
    { ARW_HUB_URL: 'https://e.example', ARW_ADMIN_TOKEN: 'e' },
    FILE,
    'https://f.example/',
    '--hub',
    'f',
    '--token',
  ],
  [
    'a profile without a token takes that of the environment',
    { profile: 'open' },
    { ARW_ADMIN_TOKEN: 'e' },
    FILE,
    'http://127.0.0.1:8787/',
    'profile "open" in /c/cli.toml',
    'e',
    'ARW_ADMIN_TOKEN',
  ],
  [
    'but not where the environment names the hub that it is for',
    { profile: 'open' },
    { ARW_HUB_URL: 'https://e.example', ARW_ADMIN_TOKEN: 'e' },
    FILE,
    'http://127.0.0.1:8787/',
    'profile "open" in /c/cli.toml',
    undefined,
  ],
  [
    'empty variables are none',
    {},
    { ARW_HUB_URL: '', ARW_ADMIN_TOKEN: '', ARW_PROFILE: '' },
    NONE,
    'http://127.0.0.1:8787/',
    'default',
    undefined,
  ],
])('%s', (_what, flags, env, file, hub, hubFrom, token, tokenFrom) => {
  const settings = decide(flags, env, file);
  expect(settings.hub.value.href).toBe(hub);
  expect(settings.hub.from).toBe(hubFrom);
  expect(settings.token).toEqual(token === undefined ? undefined : { value: token, from: tokenFrom });
});

test('why there is no token is told', () => {
  expect(decide({ hub: 'https://other.example' }, {}, FILE).remedy).toBe(
    'set ARW_ADMIN_TOKEN or --token: the token of profile "home" is only for https://home.example',
  );
  expect(decide({}, {}, FILE).remedy).toBe('log in again with "arw-cli login --profile home"');
  expect(decide({}, {}, NONE).remedy).toBe('set ARW_ADMIN_TOKEN or --token');
});

test('a profile that is named by flag is looked for beside a whole environment too', async () => {
  const env = {
    XDG_CONFIG_HOME: await temporaryFolder(),
    ARW_HUB_URL: 'https://e.example',
    ARW_ADMIN_TOKEN: 'e',
  };
  await expect(settingsFrom({ profile: 'no-such' }, env)).rejects.toThrow('there is no profile "no-such"');
});

test('a file that others may read is not used for its token, and for nothing else it need not be private', () => {
  const open = { ...FILE, mode: 0o640 };
  expect(() => decide({}, {}, open)).toThrow(
    'others may read it; take that away with "chmod 600 /c/cli.toml"',
  );
  expect(decide({}, { ARW_ADMIN_TOKEN: 'e' }, open).token?.value).toBe('e');
  expect(decide({ profile: 'open' }, {}, open).token).toBeUndefined();
});

test.each<[string, HubFlags, ProfileFile, string]>([
  [
    'an unknown profile',
    { profile: 'wrok' },
    FILE,
    'there is no profile "wrok" in /c/cli.toml: it has home, work, open',
  ],
  [
    'a profile where there are none',
    { profile: 'x' },
    NONE,
    'it has none yet; make it with "arw-cli login --profile x"',
  ],
  [
    'several profiles and no default',
    {},
    { path: 'p', profiles: FILE.profiles },
    'which hub? Name a profile with --profile (home, work, open)',
  ],
  ['a hub that is none', { hub: 'hub' }, NONE, '"hub" (--hub) is no hub URL'],
])('%s is refused with what to do', (_what, flags, file, words) => {
  expect(() => decide(flags, {}, file)).toThrow(words);
});

test('the only profile is meant where none is named', () => {
  const { home } = FILE.profiles;
  expect(decide({}, {}, { path: 'p', profiles: { home: home ?? { hub: '' } } }).profile).toBe('home');
});
