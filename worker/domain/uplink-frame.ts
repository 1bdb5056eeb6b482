// Owns how one text frame of a node is read: too large, no JSON, an unknown type and a wrong shape are told apart.

import { NODE_FRAME_TYPES, NodeFrameSchema, type NodeFrame } from '../../contract/frames.ts';
import { problem } from '../../contract/problem.ts';
import { SNAPSHOT_MAX_BYTES } from '../../contract/snapshot.ts';
import { spokenLine } from '../../contract/status.ts';
import { checkValue, exceedsLimit, fail, parseJson, tooLarge, type Result } from './parse.ts';

/** Within the limit of bytes whatever its letters are. */
const HEARTBEAT_MAX_LENGTH = SNAPSHOT_MAX_BYTES / 3;

export function parseFrame(message: string | ArrayBuffer): Result<NodeFrame> {
  if (typeof message !== 'string')
    return fail(problem('unknown-frame', 'Frames are JSON texts, this one was binary'));
  if (exceedsLimit(message)) return fail(tooLarge());
  const json = parseJson(message);
  if (!json.ok) return json;
  const type = typeOf(json.value);
  if (type === undefined) return fail(problem('malformed-body', 'A frame is a JSON object with a "type"'));
  if (!NODE_FRAME_TYPES.includes(type)) {
    return fail(
      problem('unknown-frame', spokenLine(`This hub knows no frame of type "${type.slice(0, 64)}"`)),
    );
  }
  return checkValue(NodeFrameSchema, json.value);
}

/** As reporters begin a heartbeat, and whether it asks for an answer. What begins otherwise is read as any frame is. */
const BEGINNINGS: readonly [string, boolean][] = [
  ['{"type":"health","snapshot":', false],
  ['{"type":"health","ack":true,"snapshot":', true],
];

/** What may be a heartbeat: the text of its snapshot, if it ends where it seems to. */
export function heartbeatText(message: string): { text: string; wantsAck: boolean } | undefined {
  if (message.length > HEARTBEAT_MAX_LENGTH) return undefined;
  for (const [beginning, wantsAck] of BEGINNINGS) {
    if (message.slice(0, beginning.length) === beginning && message.endsWith('}'))
      return { text: message.slice(beginning.length, -1), wantsAck };
  }
  return undefined;
}

function typeOf(value: unknown): string | undefined {
  if (typeof value !== 'object' || value === null || !('type' in value)) return undefined;
  return typeof value.type === 'string' ? value.type : undefined;
}
