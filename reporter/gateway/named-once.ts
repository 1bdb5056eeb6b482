// Owns noticing a body that names its model twice: this gateway reads the first name and a server may take the last, so
// that what is asked for would not be what was allowed. Pure.

import { JsonModelFinder } from './json-model.ts';
import { MultipartModelFinder } from './multipart-model.ts';

/** To be asked with every piece of a body; false once it names its model a second time. */
export type NamedOnce = (chunk: Buffer) => boolean;

export function namedOnce(isForm: boolean): NamedOnce {
  if (isForm) {
    const form = new MultipartModelFinder();
    return (chunk) => form.count(chunk) <= 1;
  }
  let count = 0;
  let ended = false;
  const json = new JsonModelFinder((key) => {
    // Servers that are written in Go read `Model` as well.
    if (key.toLowerCase() === 'model') count += 1;
  });
  return (chunk) => {
    ended ||= json.push(chunk).kind === 'none';
    return count <= 1;
  };
}
