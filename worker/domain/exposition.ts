// Owns the Prometheus text format 0.0.4: metric families as lines. A value that is not known is no sample.

export type Labels = Readonly<Record<string, string>>;
export type Sample = { labels?: Labels; value: number | undefined };

/** A counter's name ends in `_total`; what is measured is in base units: seconds, bytes, ratios. */
export type Family = { name: string; help: string; type: 'counter' | 'gauge'; samples: readonly Sample[] };

export const EXPOSITION_TYPE = 'text/plain; version=0.0.4; charset=utf-8';

export function gauge(name: string, help: string, samples: readonly Sample[]): Family {
  return { name, help, type: 'gauge', samples };
}

export function counter(name: string, help: string, samples: readonly Sample[]): Family {
  return { name, help, type: 'counter', samples };
}

/** Families without a sample are left out. */
export function exposition(families: readonly Family[]): string {
  return families.map(familyText).join('');
}

function familyText({ name, help, type, samples }: Family): string {
  const lines = samples.flatMap(({ labels = {}, value }) =>
    value === undefined ? [] : [`${name}${labelText(labels)} ${numberText(value)}\n`],
  );
  if (lines.length === 0) return '';
  return `# HELP ${name} ${escapedHelp(help)}\n# TYPE ${name} ${type}\n${lines.join('')}`;
}

function labelText(labels: Labels): string {
  const pairs = Object.entries(labels).map(([name, value]) => `${name}="${escapedValue(value)}"`);
  return pairs.length === 0 ? '' : `{${pairs.join(',')}}`;
}

function numberText(value: number): string {
  if (Number.isNaN(value)) return 'NaN';
  if (!Number.isFinite(value)) return value > 0 ? '+Inf' : '-Inf';
  return String(value);
}

function escapedHelp(text: string): string {
  return text.replaceAll('\\', String.raw`\\`).replaceAll('\n', String.raw`\n`);
}

function escapedValue(text: string): string {
  return escapedHelp(text).replaceAll('"', String.raw`\"`);
}
