// How the commands of the docs are found in the text: none is overlooked, and none is left out without a reason.

import { expect, test } from 'vitest';
import { blocksOf, docsBlocks } from '../support/docs-blocks.ts';

const block = (marker: string, language = 'sh'): string =>
  `${marker}\n\n\`\`\`${language}\necho one\n\`\`\`\n`;

test('a block is run, whatever is around it', () => {
  expect(
    blocksOf('a.md', `# A\n\n${block('Some words:')}\n   1. x\n\n   \`\`\`sh\n   echo two\n   \`\`\`\n`),
  ).toEqual([
    { place: 'a.md:5', text: 'echo one\n', how: { kind: 'run' } },
    { place: 'a.md:11', text: 'echo two\n', how: { kind: 'run' } },
  ]);
});

test.each([
  ['<!-- test: until "hub ready" -->', { kind: 'until', text: 'hub ready' }],
  ['<!-- test: on the host -->', { kind: 'host' }],
  ['<!-- test: syntax, since it needs an account -->', { kind: 'syntax', reason: 'it needs an account' }],
])('%s', (marker, how) => {
  expect(blocksOf('a.md', block(marker))).toMatchObject([{ how }]);
});

test.each([
  ['what nobody knows', block('<!-- test: never -->')],
  ['no reason', block('<!-- test: syntax -->')],
  ['a comment of another block', block('<!-- test: on the host -->', 'json')],
  ['a comment of no block', '<!-- test: on the host -->\n'],
  ['a block without an end', '```sh\necho one\n'],
])('%s is refused', (_, text) => {
  expect(() => blocksOf('a.md', text)).toThrow(/^a\.md:?/);
});

test('the docs have commands, the README first', async () => {
  const places = (await docsBlocks()).map(({ place }) => place);
  expect(places[0]).toMatch(/^README\.md:/);
  expect(places.length).toBeGreaterThan(20);
});
