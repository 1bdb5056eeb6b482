// Owns how many columns of a terminal a text takes. Most of what is shown needs no table of Unicode, and pays for none.

import { createRequire } from 'node:module';
import type stringWidth from 'string-width';

/** Letters and marks of one column each: ASCII, Latin, and the dashes, dots and quotes of general punctuation. */
const NARROW = /^[\u0020-\u007E\u00A0-\u00AC\u00AE-\u02FF\u2010-\u2027\u2030-\u205E]*$/;

const graphemes = new Intl.Segmenter();
let measure: typeof stringWidth | undefined;

export function widthOf(text: string): number {
  return NARROW.test(text) ? text.length : measured(text);
}

/** The library costs a third of this program's start, so it is loaded where a text needs it. */
function measured(text: string): number {
  measure ??= library();
  return measure(text);
}

function library(): typeof stringWidth {
  const loaded: { default: typeof stringWidth } = createRequire(import.meta.url)('string-width');
  return loaded.default;
}

/** The longest beginning that takes at most so many columns; no character is cut in two. */
export function beginning(text: string, columns: number): string {
  if (NARROW.test(text)) return text.slice(0, Math.max(0, columns));
  let [taken, width] = ['', 0];
  for (const { segment } of graphemes.segment(text)) {
    width += measured(segment);
    if (width > columns) break;
    taken += segment;
  }
  return taken;
}

/** The longest end that takes at most so many columns. */
export function ending(text: string, columns: number): string {
  if (columns <= 0) return '';
  if (NARROW.test(text)) return text.slice(-columns);
  let [taken, width] = ['', 0];
  for (const { segment } of [...graphemes.segment(text)].toReversed()) {
    width += measured(segment);
    if (width > columns) break;
    taken = segment + taken;
  }
  return taken;
}
