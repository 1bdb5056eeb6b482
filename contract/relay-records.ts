// Owns the binary messages of the uplink: bodies of relayed requests (`relay.chunk`), the bytes that a peer may send, and
// the question whether it is still there. A message is one or more records, so that what comes together goes together:
//
//   byte 0     kind: 1 chunk, 2 credit, 3 probe, 4 alive
//   byte 1     flags: 1 = the last bytes of this body (of a chunk)
//   bytes 2-3  length of the payload
//   bytes 4-7  stream; 0 for probe and alive
//   then the payload: the bytes of a chunk, or four bytes for the number that a credit grants
//
// Numbers are big-endian. A reader skips kinds that it does not know.

/** A longer chunk would hold up the streams beside it. */
export const RELAY_CHUNK_MAX_BYTES = 16 * 1024;

/** A message stays well below the limit of a frame, and is soon over on a slow line. */
export const RELAY_MESSAGE_MAX_BYTES = 32 * 1024;

const HEADER_BYTES = 8;
const KIND = { chunk: 1, credit: 2, probe: 3, alive: 4 } as const;
const LAST = 1;

export type RelayRecord =
  | { kind: 'chunk'; stream: number; payload: Uint8Array; isLast: boolean }
  /** So many bytes more may be sent on the stream. */
  | { kind: 'credit'; stream: number; bytes: number }
  /** Asks for a sign of life. */
  | { kind: 'probe' }
  | { kind: 'alive' };

/** Bytes that the record takes in a message. */
export function recordBytes(record: RelayRecord): number {
  switch (record.kind) {
    case 'chunk':
      return HEADER_BYTES + record.payload.byteLength;
    case 'credit':
      return HEADER_BYTES + 4;
    case 'probe':
    case 'alive':
      return HEADER_BYTES;
    default:
      return record satisfies never;
  }
}

export function writeRecords(records: readonly RelayRecord[]): Uint8Array<ArrayBuffer> {
  const message = new Uint8Array(records.reduce((sum, record) => sum + recordBytes(record), 0));
  const view = new DataView(message.buffer);
  let at = 0;
  for (const record of records) {
    const size = recordBytes(record);
    view.setUint8(at, KIND[record.kind]);
    view.setUint16(at + 2, size - HEADER_BYTES);
    if (record.kind === 'chunk') {
      view.setUint8(at + 1, record.isLast ? LAST : 0);
      message.set(record.payload, at + HEADER_BYTES);
    }
    if (record.kind === 'credit') view.setUint32(at + HEADER_BYTES, record.bytes);
    if (record.kind === 'chunk' || record.kind === 'credit') view.setUint32(at + 4, record.stream);
    at += size;
  }
  return message;
}

/** The records of a message, payloads being parts of it and no copies; undefined where it is none. */
export function readRecords(message: Uint8Array): RelayRecord[] | undefined {
  const view = new DataView(message.buffer, message.byteOffset, message.byteLength);
  const records: RelayRecord[] = [];
  let at = 0;
  while (at < message.byteLength) {
    const start = at + HEADER_BYTES;
    if (start > message.byteLength) return undefined;
    const end = start + view.getUint16(at + 2);
    if (end > message.byteLength) return undefined;
    const kind = view.getUint8(at);
    const stream = view.getUint32(at + 4);
    if (kind === KIND.chunk) {
      const isLast = (view.getUint8(at + 1) & LAST) !== 0;
      records.push({ kind: 'chunk', stream, payload: message.subarray(start, end), isLast });
    } else if (kind === KIND.credit) {
      if (end - start !== 4) return undefined;
      records.push({ kind: 'credit', stream, bytes: view.getUint32(start) });
    } else if (kind === KIND.probe) records.push({ kind: 'probe' });
    else if (kind === KIND.alive) records.push({ kind: 'alive' });
    at = end;
  }
  return records;
}
