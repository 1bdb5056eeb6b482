// Owns when an object must wake by itself. It has one alarm, setting it costs a row, and it may fire late or twice.

/** The earliest of the deadlines; undefined where nothing waits. */
export function earliest(deadlines: Iterable<number | undefined>): number | undefined {
  let first: number | undefined;
  for (const deadline of deadlines) {
    if (deadline !== undefined && (first === undefined || deadline < first)) first = deadline;
  }
  return first;
}

/**
 * The time to arm the alarm for, or undefined where the armed one serves. It only ever moves to an earlier time:
 * an alarm that turns out to be early costs one look around, a later one would cost a deadline.
 */
export function rearm(armed: number | undefined, wanted: number | undefined): number | undefined {
  if (wanted === undefined) return undefined;
  return armed === undefined || wanted < armed ? wanted : undefined;
}
