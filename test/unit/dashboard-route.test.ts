// What an address of the dashboard names, and that what is chosen survives in it.

import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { hashOf, parseRoute, VIEWS } from '../../dashboard/view-model/route.ts';

test.each([
  ['', { view: 'grid', parameters: {} }],
  ['#/', { view: 'grid', parameters: {} }],
  ['#/nodes', { view: 'nodes', parameters: {} }],
  ['#/nodes/gpu-01?q=llama%2070b', { view: 'nodes', id: 'gpu-01', parameters: { q: 'llama 70b' } }],
  ['#/nodes/%E0%A4', { view: 'nodes', id: '%E0%A4', parameters: {} }],
  ['#/of-an-older-version/x', { view: 'grid', parameters: {} }],
])('%s', (hash, expected) => {
  expect(parseRoute(hash)).toEqual(expected);
});

test('every route is read back as it was written', () => {
  const word = fc.string({ minLength: 1, unit: 'grapheme' });
  const routes = fc.record({
    view: fc.constantFrom(...VIEWS),
    id: word,
    parameters: fc.dictionary(fc.constantFrom('q', 'logs'), word, { noNullPrototype: true }),
  });
  fc.assert(
    fc.property(routes, (route) => {
      expect(parseRoute(hashOf(route))).toEqual(route);
    }),
  );
});
