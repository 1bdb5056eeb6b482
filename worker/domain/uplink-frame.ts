// Owns how one text frame of a node is read: too large, no JSON, an unknown type and a wrong shape are told apart.

import { NODE_FRAME_TYPES, NodeFrameSchema, type NodeFrame } from '../../contract/frames.ts';
import { problem } from '../../contract/problem.ts';
import { spokenLine } from '../../contract/status.ts';
import { checkValue, exceedsLimit, fail, parseJson, tooLarge, type Result } from './parse.ts';

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

function typeOf(value: unknown): string | undefined {
  if (typeof value !== 'object' || value === null || !('type' in value)) return undefined;
  return typeof value.type === 'string' ? value.type : undefined;
}
