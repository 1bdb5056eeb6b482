// The profile file, the doctor and completion of arw-cli, as processes against a real hub.

import { chmod, mkdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { ADMIN_TOKEN, Hub } from '../support/hub.ts';
import { CLI, CliProcess, cliEnvironment } from '../support/cli-process.ts';
import { freePort } from '../support/engine-process.ts';
import { run, type Finished } from '../support/shell.ts';
import { runtimeRecord, snapshot } from '../support/snapshot.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

let hub: Hub;
let token: string;
let home: string;
let seq = 0;

beforeAll(async () => {
  hub = await Hub.start();
  ({ token } = await hub.enroll('gpu-01'));
});
afterAll(async () => hub.stop());
beforeEach(async () => {
  home = await temporaryFolder();
  // However long the tests before took, the node was just heard.
  seq += 1;
  const router = runtimeRecord({ id: 'router', model: 'org/a:q4' });
  router.descriptor.presets = ['long', 'short'];
  await hub.post('gpu-01', token, snapshot({ node: 'gpu-01', seq, runtimes: [runtimeRecord(), router] }));
});

function file(): string {
  return join(home, 'runtime-matrix', 'cli.toml');
}

function cli(args: string[], env: Record<string, string> = {}): Promise<Finished> {
  return run(process.execPath, [CLI, ...args], { env: cliEnvironment({ XDG_CONFIG_HOME: home, ...env }) });
}

function byEnvironment(): Record<string, string> {
  return { ARW_HUB_URL: hub.url.href, ARW_ADMIN_TOKEN: ADMIN_TOKEN };
}

async function write(text: string, mode = 0o600): Promise<void> {
  await mkdir(join(home, 'runtime-matrix'), { recursive: true });
  await writeFile(file(), text);
  await chmod(file(), mode);
}

describe('profiles:', () => {
  test('login keeps a hub whose token is accepted, for its owner alone; then nothing else need be set', async () => {
    const login = CliProcess.piped(
      ['login', '--hub', hub.url.href, '--profile', 'lab'],
      cliEnvironment({ XDG_CONFIG_HOME: home }),
    );
    login.process.stdin.end(`${ADMIN_TOKEN}\n`);
    expect(await login.ended).toBe(0);
    expect(login.stdout).toBe(
      `profile "lab" is kept in ${file()} (mode 600): ${hub.url.origin} accepts its token\n`,
    );
    expect(login.stdout + login.stderr).not.toContain(ADMIN_TOKEN);
    expect((await stat(file())).mode & 0o777).toBe(0o600);
    expect((await cli(['node', 'list'])).stdout).toContain('gpu-01');

    await cli(['login', '--profile', 'other', '--json'], byEnvironment());
    expect(JSON.parse((await cli(['profile', 'list', '--json'])).stdout)).toEqual({
      path: file(),
      profiles: [
        { name: 'lab', hub: hub.url.href, has_token: true, default: true },
        { name: 'other', hub: hub.url.href, has_token: true, default: false },
      ],
    });
    expect(await cli(['profile', 'use', 'other'])).toMatchObject({ exitCode: 0 });
    expect((await cli(['profile', 'list'])).stdout).toMatch(/^ {2}other {2}\S+ {2}the default$/m);
    expect(await cli(['profile', 'remove', 'other'])).toMatchObject({ exitCode: 0 });
    expect(await readFile(file(), 'utf8')).not.toContain('other');
  });

  test('a token that is refused is not kept', async () => {
    const refused = await cli(['login', '--hub', hub.url.href, '--token', 'wrong']);
    expect(refused).toMatchObject({ exitCode: 4, stdout: '' });
    expect(refused.stderr).toMatch(/nothing was kept; check the token and log in again\n$/);
    await expect(stat(file())).rejects.toThrow('ENOENT');
  });

  test('on a terminal the token is asked for, and not shown', async () => {
    const login = CliProcess.onTerminal(
      ['login', '--hub', hub.url.href],
      cliEnvironment({ XDG_CONFIG_HOME: home }),
    );
    await login.prints('(it is not shown): ');
    login.type(`${ADMIN_TOKEN}\r`);
    expect(await login.ended).toBe(0);
    expect(login.stdout).toContain('accepts its token');
    expect(login.stdout).not.toContain(ADMIN_TOKEN);
  });

  test('a file that others may read is refused, and a broken one is named with its fault', async () => {
    await write(`[profiles.lab]\nhub = "${hub.url.href}"\ntoken = "${ADMIN_TOKEN}"\n`, 0o644);
    const open = await cli(['nodes']);
    expect(open).toMatchObject({ exitCode: 2, stdout: '' });
    expect(open.stderr).toContain(`take that away with "chmod 600 ${file()}"`);
    expect((await cli(['nodes'], byEnvironment())).exitCode).toBe(0);

    await write('[profiles.lab]\nhubb = 1\n');
    const strange = await cli(['nodes']);
    expect(strange).toMatchObject({ exitCode: 2, stdout: '' });
    expect(strange.stderr.trimEnd().split('\n')).toHaveLength(1);
  });

  test('the token of a profile goes to no other hub', async () => {
    await write(`[profiles.lab]\nhub = "https://hub.example"\ntoken = "${ADMIN_TOKEN}"\n`);
    const other = await cli(['--hub', hub.url.href, 'nodes']);
    expect(other).toMatchObject({ exitCode: 4, stdout: '' });
    expect(other.stderr).toContain('the token of profile "lab" is only for https://hub.example');
  });
});

describe('doctor:', () => {
  test('says where each value is from, and that all is well', async () => {
    const { exitCode, stdout, stderr } = await cli(['doctor'], byEnvironment());
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
    expect(stdout).toContain(`ok       hub setting: ${hub.url.href}, from ARW_HUB_URL\n`);
    expect(stdout).toContain('ok       token setting: from ARW_ADMIN_TOKEN\n');
    expect(stdout).toContain('ok       clock: agrees with the hub\n');
    expect(stdout).toContain('ok       nodes: 1 enrolled, 1 heard within the TTL\n');
    expect(stdout).toMatch(/\nReady to use: 0 faults, 0 warnings\.\n$/);
    expect(stdout).not.toContain(ADMIN_TOKEN);
  });

  test.each<[string, () => Promise<Record<string, string>>, string, RegExp]>([
    [
      'a wrong token',
      async () => ({ ...byEnvironment(), ARW_ADMIN_TOKEN: 'wrong' }),
      'token',
      /check ARW_ADMIN_TOKEN or --token/,
    ],
    ['no token', async () => ({ ...byEnvironment(), ARW_ADMIN_TOKEN: '' }), 'token setting', /arw-cli login/],
    [
      'no hub',
      async () => ({ ...byEnvironment(), ARW_HUB_URL: `http://127.0.0.1:${await freePort()}` }),
      'hub',
      /is it running/,
    ],
    [
      'no URL',
      async () => ({ ...byEnvironment(), ARW_HUB_URL: 'hub' }),
      'settings',
      /https:\/\/hub\.example/,
    ],
    [
      'a file that others may read',
      async () => {
        await write('[profiles.lab]\nhub = "http://127.0.0.1:1"\ntoken = "t"\n', 0o644);
        return byEnvironment();
      },
      'profiles',
      /^chmod 600 /,
    ],
  ])('%s is a fault with its remedy, exit code 1', async (_what, env, check, remedy) => {
    const { exitCode, stdout } = await cli(['doctor', '--json'], await env());
    expect(exitCode).toBe(1);
    expect(JSON.parse(stdout)).toMatchObject({
      ok: false,
      findings: expect.arrayContaining([
        { check, status: 'fail', what: expect.any(String), remedy: expect.stringMatching(remedy) },
      ]),
    });
  });
});

/** What bash offers for the line, with the script that the program prints and a program of that name on the PATH. */
async function offered(line: string, env: Record<string, string>): Promise<string[]> {
  const program = join(home, 'arw-cli');
  await writeFile(program, `#!/bin/sh\nexec '${process.execPath}' '${CLI}' "$@"\n`, { mode: 0o755 });
  const script = `source <(arw-cli completion bash)
COMP_LINE="$1" COMP_POINT=\${#1} COMP_WORDBREAKS=$' \\t\\n"\\'><=;|&(:'
_arw_cli
printf '%s\\n' "\${COMPREPLY[@]}"`;
  const path = `${home}:${process.env['PATH'] ?? ''}`;
  const { stdout, stderr } = await run('bash', ['-c', script, 'bash', line], {
    env: cliEnvironment({ XDG_CONFIG_HOME: home, PATH: path, ...env }),
  });
  expect(stderr).toBe('');
  return stdout.split('\n').filter((reply) => reply !== '');
}

describe('completion:', () => {
  test('bash offers commands, flags, values, and the ids that the hub knows', async () => {
    expect(await offered('arw-cli runtime re', byEnvironment())).toEqual(['restore']);
    expect(await offered('arw-cli runtime restore --id gpu', byEnvironment())).toEqual([
      'gpu-01/llama.70b',
      'gpu-01/router',
    ]);
    expect(await offered('arw-cli node remove ', byEnvironment())).toEqual(['gpu-01']);
  });

  test('what bash takes for a word of its own, behind a colon, is offered alone', async () => {
    expect(await offered('arw-cli runtime load --id gpu-01/router --model org/a:', byEnvironment())).toEqual([
      'q4',
    ]);
  });

  test('the presets of the runtime that is named are offered', async () => {
    expect(await offered('arw-cli runtime switch --id gpu-01/router --preset ', byEnvironment())).toEqual([
      'long',
      'short',
    ]);
    expect(await offered('arw-cli runtime switch --id gpu-01/llama.70b --preset ', byEnvironment())).toEqual(
      [],
    );
  });

  test('a value in the word of its flag is offered too', async () => {
    expect(await offered('arw-cli runtime restore --id=gpu-01/r', byEnvironment())).toEqual([
      'gpu-01/router',
    ]);
  });

  test('a hub that does not answer costs nothing but its ids', async () => {
    const away = { ARW_HUB_URL: `http://127.0.0.1:${await freePort()}`, ARW_ADMIN_TOKEN: 't' };
    expect(await offered('arw-cli node remove ', away)).toEqual([]);
    expect(await offered('arw-cli gri', away)).toEqual(['grid']);
  });

  test.each(['bash', 'zsh', 'fish'])('the script for %s calls the program back', async (shell) => {
    const { exitCode, stdout } = await cli(['completion', shell]);
    expect(exitCode).toBe(0);
    expect(stdout).toContain('__complete');
  });
});
