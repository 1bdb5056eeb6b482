// Owns how a moment is written in the header and in lists: the time of day here, with the date where it is another day.

const TIME: Intl.DateTimeFormatOptions = { hour: '2-digit', minute: '2-digit', hourCycle: 'h23' };

/** `14:32`, or `21 Nov, 14:32` */
export function clockTime(time: string | number, nowMs: number): string {
  const at = new Date(time);
  const isToday = at.toDateString() === new Date(nowMs).toDateString();
  return at.toLocaleString('en-GB', isToday ? TIME : { ...TIME, day: 'numeric', month: 'short' });
}
