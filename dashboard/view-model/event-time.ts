// Owns how a time is said on the page: how long ago, and when exactly by the clock of whoever reads.

const MINUTE = 60;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** `12 s ago`. A time that the reader's clock has not reached is now. @param now milliseconds */
export function agoWords(time: string, now: number): string {
  const seconds = Math.floor((now - Date.parse(time)) / 1000);
  if (seconds < 2) return 'now';
  if (seconds < MINUTE) return `${seconds} s ago`;
  if (seconds < HOUR) return `${Math.floor(seconds / MINUTE)} min ago`;
  if (seconds < DAY) return `${Math.floor(seconds / HOUR)} h ago`;
  return `${Math.floor(seconds / DAY)} d ago`;
}

/** When `agoWords` says something else; only what changes is drawn again. @param now milliseconds */
export function agoChangesInMs(time: string, now: number): number {
  const age = Math.max(0, now - Date.parse(time));
  const unit = age < MINUTE * 1000 ? 1000 : age < HOUR * 1000 ? MINUTE * 1000 : HOUR * 1000;
  return unit - (age % unit);
}

const EXACT: Intl.DateTimeFormatOptions = { dateStyle: 'medium', timeStyle: 'long', hourCycle: 'h23' };

/** To the second, with the zone: for a title. */
export function exactTime(time: string): string {
  return new Date(time).toLocaleString('en-GB', EXACT);
}
