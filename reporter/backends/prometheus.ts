// Owns reading Prometheus text into plain samples; a value that is no finite number is not there.

import parsePrometheus from 'parse-prometheus-text-format';

/** Samples without labels, by metric name; undefined where the text is not in the format. */
export function unlabelledSamples(text: string): ReadonlyMap<string, number> | undefined {
  const samples = new Map<string, number>();
  // The parser goes letter by letter: of what is asked for every few seconds it is given only what is read.
  const wanted = text
    .split('\n')
    .filter((line) => !line.startsWith('#') && !line.includes('{'))
    .join('\n');
  try {
    for (const family of parsePrometheus(wanted)) {
      for (const { value, labels } of family.metrics) {
        const number = Number(value);
        if (value !== undefined && labels === undefined && Number.isFinite(number))
          samples.set(family.name, number);
      }
    }
  } catch {
    // The parser throws on a line that it cannot read: the caller tells that the figures are unknown.
    return undefined;
  }
  return samples.size > 0 ? samples : undefined;
}
