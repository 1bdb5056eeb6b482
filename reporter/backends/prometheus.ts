// Owns reading Prometheus text into plain samples; a value that is no finite number is not there.

import parsePrometheus from 'parse-prometheus-text-format';

export type Sample = { name: string; labels: Readonly<Record<string, string>>; value: number };

/** Samples without labels, by metric name; undefined where the text is not in the format. */
export function unlabelledSamples(text: string): ReadonlyMap<string, number> | undefined {
  const samples = new Map<string, number>();
  for (const { name, labels, value } of parse(text) ?? []) {
    if (Object.keys(labels).length === 0) samples.set(name, value);
  }
  return samples.size > 0 ? samples : undefined;
}

/**
 * The samples of some metrics, whatever their labels; undefined where the text is not in the format. A server may
 * tell thousands, most of them buckets: only the lines asked for are parsed, the sums and counts of histograms too.
 */
export function samplesOf(text: string, names: ReadonlySet<string>): Sample[] | undefined {
  const lines = text.split('\n').filter((line) => names.has(line.slice(0, line.search(/[{ ]|$/))));
  return lines.length === 0 ? [] : parse(`${lines.join('\n')}\n`);
}

function parse(text: string): Sample[] | undefined {
  try {
    return parsePrometheus(text).flatMap((family) =>
      family.metrics.flatMap(({ value, labels = {} }) => {
        // A line that was cut off has an empty value, which as a number would be 0.
        const number = value === undefined || value.trim() === '' ? Number.NaN : Number(value);
        return Number.isFinite(number) ? [{ name: family.name, labels, value: number }] : [];
      }),
    );
  } catch {
    // The parser throws on a line that it cannot read: the caller tells that the figures are unknown.
    return undefined;
  }
}
