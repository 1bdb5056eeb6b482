// Owns how many readers read at once for a time, and what came of it.

import { Reader, type Read } from './reader.ts';

export const CLIENTS = 16;

export type Reading = { reads: Read[]; seconds: number };

/** @param known sends the tag of the answer before along, as one who has it does */
export async function readFor(
  url: string,
  path: string,
  { token, seconds, known = false }: { token?: string; seconds: number; known?: boolean },
): Promise<Reading> {
  const readers = await Promise.all(Array.from({ length: CLIENTS }, () => Reader.open(url)));
  const admitted = { ...(token !== undefined && { authorization: `Bearer ${token}` }) };
  const reads: Read[] = [];
  const startedMs = performance.now();
  const endMs = startedMs + seconds * 1000;
  await Promise.all(
    readers.map(async (reader) => {
      let etag = '';
      while (performance.now() < endMs) {
        const read = await reader.read(path, { ...admitted, ...(known && { 'if-none-match': etag }) });
        if (read.status !== 200 && read.status !== 304) throw new Error(`${path} answered ${read.status}`);
        etag = read.etag;
        reads.push(read);
      }
    }),
  );
  for (const reader of readers) reader.close();
  return { reads, seconds: (performance.now() - startedMs) / 1000 };
}

export function perSecond({ reads, seconds }: Reading, status: number): number {
  return reads.filter((read) => read.status === status).length / seconds;
}

export function bytesPerSecond({ reads, seconds }: Reading): number {
  return reads.reduce((sum, { bytes }) => sum + bytes, 0) / seconds;
}

export function latencies({ reads }: Reading, status: number): number[] {
  return reads.flatMap((read) => (read.status === status ? [read.ms] : []));
}
