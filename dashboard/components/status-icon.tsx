// Owns the shape of a status. Each is told from the others without its colour, and beside each stands its word.

import type { Shape } from '../view-model/node-view.ts';

const PATHS: Record<Shape, string> = {
  // A disc with a tick.
  ready:
    'M8 1a7 7 0 1 0 0 14A7 7 0 0 0 8 1Zm3.6 5.3-4.2 4.6a.9.9 0 0 1-1.3 0L4.4 9.1l1.2-1.2 1.1 1.1 3.6-3.9Z',
  // A disc that is half full.
  starting: 'M8 1a7 7 0 1 0 0 14A7 7 0 0 0 8 1Zm0 1.8v10.4A5.2 5.2 0 0 1 8 2.800Z',
  // A triangle with a mark.
  degraded:
    'M8.9 1.7a1 1 0 0 0-1.8 0L.9 13.100a1 1 0 0 0 .9 1.500h12.400a1 1 0 0 0 .9-1.500ZM7.200 5.800h1.600v4.400H7.200Zm0 5.600h1.600v1.600H7.200Z',
  // An octagon with a cross.
  error:
    'M5.100 1h5.800L15 5.100v5.800L10.900 15H5.100L1 10.900V5.100Zm.7 3.500L4.500 5.800 6.700 8l-2.200 2.200 1.300 1.300L8 9.300l2.200 2.200 1.300-1.300L9.300 8l2.200-2.200-1.300-1.300L8 6.700Z',
  // A ring, struck through.
  offline:
    'M8 1a7 7 0 1 0 0 14A7 7 0 0 0 8 1Zm0 1.700c1.200 0 2.300.4 3.200 1.100l-7.400 7.400A5.300 5.300 0 0 1 8 2.700Zm0 10.600c-1.200 0-2.300-.4-3.200-1.100l7.400-7.400A5.300 5.300 0 0 1 8 13.300Z',
  // An empty square with a question's dot.
  unknown:
    'M2 2h12v12H2Zm1.600 1.600v8.800h8.800V3.600Zm3.600 6.600h1.600v1.400H7.200Zm-1-3.800C6.300 5.300 7 4.600 8.100 4.600c1.100 0 1.900.7 1.900 1.700 0 .8-.4 1.200-.9 1.600-.4.3-.5.5-.5.900H7.200c0-.9.3-1.300.9-1.800.4-.3.5-.5.5-.8 0-.3-.2-.5-.5-.5-.4 0-.6.300-.6.700Z',
};

export function StatusIcon({ shape }: { shape: Shape }) {
  return (
    <svg class={`icon is-${shape}`} viewBox="0 0 16 16" aria-hidden="true" focusable="false">
      <path fill-rule="evenodd" d={PATHS[shape]} />
    </svg>
  );
}

/** Shape and word. */
export function Status({ shape, word }: { shape: Shape; word: string }) {
  return (
    <span class={`status is-${shape}`}>
      <StatusIcon shape={shape} />
      {word}
    </span>
  );
}
