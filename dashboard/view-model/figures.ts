// Owns how figures are written: short, with their unit, and `unknown` where nobody told one. An unknown figure is never 0.

export const UNKNOWN = 'unknown';

const BYTE_UNITS = ['B', 'kB', 'MB', 'GB', 'TB'];

/** Sizes of memory, by 1024: `61.2 GB`. */
export function bytesWords(bytes: number): string {
  const power = Math.min(BYTE_UNITS.length - 1, bytes < 1 ? 0 : Math.floor(Math.log2(bytes) / 10));
  const value = bytes / 1024 ** power;
  return `${value < 10 && power > 0 ? value.toFixed(1) : Math.round(value)} ${BYTE_UNITS[power]}`;
}

/** `61 / 80 GB`: in the unit of the whole. */
export function memoryWords(used: number | undefined, total: number | undefined): string {
  if (total === undefined) return used === undefined ? UNKNOWN : bytesWords(used);
  if (used === undefined) return `of ${bytesWords(total)}`;
  const power = Math.min(BYTE_UNITS.length - 1, total < 1 ? 0 : Math.floor(Math.log2(total) / 10));
  const whole = total / 1024 ** power;
  const part = used / 1024 ** power;
  const digits = whole < 10 ? 1 : 0;
  return `${part.toFixed(digits)} / ${whole.toFixed(digits)} ${BYTE_UNITS[power]}`;
}

export function percentWords(ratio: number | undefined): string {
  return ratio === undefined ? UNKNOWN : `${Math.round(ratio * 100)} %`;
}

/** Tokens a second. */
export function paceWords(tokensPerSecond: number | undefined): string {
  if (tokensPerSecond === undefined) return UNKNOWN;
  return `${tokensPerSecond < 10 ? tokensPerSecond.toFixed(1) : Math.round(tokensPerSecond)} tok/s`;
}

/** `12 s`, `4 min`, `3 h`, `2 d` */
export function spanWords(ms: number): string {
  const seconds = Math.max(0, Math.floor(ms / 1000));
  if (seconds < 120) return `${seconds} s`;
  if (seconds < 7200) return `${Math.floor(seconds / 60)} min`;
  if (seconds < 172_800) return `${Math.floor(seconds / 3600)} h`;
  return `${Math.floor(seconds / 86_400)} d`;
}

/** `1 restart`, `2 restarts` */
export function counted(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? '' : 's'}`;
}
