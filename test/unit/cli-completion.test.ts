// What may come next on a command line: all that the grammar takes, and nothing else.

import { execFileSync } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import type { Command } from 'commander';
import { describe, expect, test } from 'vitest';
import { wanted } from '../../cli/completion/candidates.ts';
import { SCRIPTS } from '../../cli/completion/scripts.ts';
import { makeProgram } from '../../cli/grammar/program.ts';

const program = makeProgram();

function values(line: string): string[] {
  return wanted(program, line.split(' ')).candidates.map(({ value }) => value);
}

/** Every command with the words that lead to it. */
function commandsOf(command: Command, path: string[] = []): [string[], Command][] {
  return [[path, command], ...command.commands.flatMap((sub) => commandsOf(sub, [...path, sub.name()]))];
}

describe('the whole tree:', () => {
  test.each(
    commandsOf(program).map(([path, command]): [string, string[], Command] => [
      path.join(' '),
      path,
      command,
    ]),
  )('"%s" offers its commands and its flags', (_line, path, command) => {
    const commands = wanted(program, [...path, '']).candidates.map(({ value }) => value);
    expect(commands).toEqual(expect.arrayContaining(command.commands.map((sub) => sub.name())));
    const flags = wanted(program, [...path, '-']).candidates.map(({ value }) => value);
    expect(flags).toEqual(expect.arrayContaining(command.options.map((option) => option.long)));
    expect(flags).toContain('--hub');
    expect(flags).toContain('--help');
  });
});

test('docs/cli.md names every command and every flag', async () => {
  const docs = await readFile(new URL('../../docs/cli.md', import.meta.url), 'utf8');
  const words = new Set(docs.split(/[^\w-]+/));
  const taken = commandsOf(program).flatMap(([, command]) => [
    ...command.options.map(({ long }) => long ?? ''),
    ...(command === program ? [] : [command.name()]),
  ]);
  expect(taken.filter((word) => !words.has(word))).toEqual([]);
});

test('what is typed narrows what is offered', () => {
  expect(values('runtime un')).toEqual(['undrain', 'unload']);
  expect(values('runtime drain --th')).toEqual(['--then']);
  expect(values('runtime nonsense')).toEqual([]);
  expect(values('completion ')).toEqual(['bash', 'zsh', 'fish']);
});

test('a value is offered where a flag takes one, and a flag that is there is not offered again', () => {
  expect(values('runtime drain --then ')).toEqual(['hold', 'shutdown', 'restart']);
  expect(values('runtime drain --then hold --th')).toEqual([]);
  expect(values('runtime switch --sandbox b')).toEqual(['bwrap']);
  expect(values('--hub runtime ru')).toEqual(['runtime']);
  expect(values('grid --watch --js')).toEqual(['--json']);
});

test.each([
  ['runtime restore --id gpu', 'runtime'],
  ['node remove ', 'node'],
  ['job cancel ', 'job'],
  ['chat --model ', 'model'],
  ['runtime switch --preset ', 'preset'],
  ['runtime restore --preset ', 'preset'],
  ['--profile ', 'profile'],
  ['profile use ', 'profile'],
  ['events tail --prefix ', 'event'],
])('"%s" is asked of whoever knows: %s', (line, source) => {
  expect(wanted(program, line.split(' ')).source).toBe(source);
});

test('what was given before is told, for the hub that is asked and the runtime that is meant', () => {
  const line = ['--hub', 'https://h.example', 'runtime', 'load', '--id=gpu-01/router', '--model', ''];
  expect(wanted(program, line)).toMatchObject({
    given: { hub: 'https://h.example', id: 'gpu-01/router' },
    source: 'model',
  });
});

test('a value in the word of its flag is offered with it', () => {
  expect(wanted(program, ['runtime', 'drain', '--then=sh'])).toMatchObject({
    candidates: [{ value: 'shutdown' }],
    lead: '--then=',
  });
  expect(wanted(program, ['runtime', 'drain', '--id=gpu'])).toMatchObject({
    source: 'runtime',
    lead: '--id=',
  });
  expect(wanted(program, ['runtime', 'drain', '--nothing=x']).candidates).toEqual([]);
});

test('after an argument there is no second one, and after -- no flags', () => {
  expect(wanted(program, ['node', 'remove', 'gpu-01', ''])).toMatchObject({ candidates: [] });
  expect(wanted(program, ['node', 'remove', 'gpu-01', '']).source).toBeUndefined();
  expect(wanted(program, ['chat', '--', '-']).candidates).toEqual([]);
});

test.each([
  ['arw-cli chat --model m', 'm$(touch x)', 'm\\$\\(touch\\ x\\)'],
  ['arw-cli chat --model m', 'm;x`y`', 'm\\;x\\`y\\`'],
  ['arw-cli chat --model m', "m'q", "m\\'q"],
  ['arw-cli chat --model org/a:', 'org/a:q$4', 'q\\$4'],
  ['arw-cli runtime restore --id=gpu', '--id=gpu-01/llama.70b', 'gpu-01/llama.70b'],
  ['arw-cli chat --model org', 'org/a_b-c@1+2:q4', 'org/a_b-c@1+2:q4'],
])('bash gets no command from a word of a node: "%s" with %s', (line, answer, offered) => {
  const script = `${SCRIPTS.bash}
arw-cli() { printf '%s\\twords\\n' "$ANSWER"; }
COMP_LINE="$1" COMP_POINT=\${#1} COMP_WORDBREAKS=$' \\t\\n"\\'><=;|&(:'
_arw_cli
printf '%s\\n' "\${COMPREPLY[@]}"`;
  const env = { PATH: process.env['PATH'] ?? '', ANSWER: answer };
  expect(
    execFileSync('bash', ['--norc', '-c', script, 'bash', line], {
      env,
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'inherit'],
    }),
  ).toBe(`${offered}\n`);
});
