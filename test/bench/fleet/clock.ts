// Owns the clock that the processes of one bench share: what one of them sent at can be compared with what another saw.

/** Milliseconds of the machine's monotonic clock, the same in each process, to a thousandth. */
export function sharedNowMs(): number {
  return Number(process.hrtime.bigint() / 1000n) / 1000;
}
