// Owns the query parameters of a log.

import * as v from 'valibot';
import { TAIL_DEFAULT, TAIL_MAX } from '../../contract/logs.ts';

const TAIL_WORDS = `must be a whole number from 0 to ${TAIL_MAX}`;

export const LogsQuerySchema = v.strictObject({
  tail: v.optional(
    v.pipe(
      v.string(),
      v.regex(/^\d{1,4}$/, TAIL_WORDS),
      v.transform(Number),
      v.maxValue(TAIL_MAX, TAIL_WORDS),
    ),
    String(TAIL_DEFAULT),
  ),
  follow: v.optional(
    v.pipe(
      v.picklist(['1', 'true', '0', 'false'], 'must be 1 or 0'),
      v.transform((word) => word === '1' || word === 'true'),
    ),
    '0',
  ),
});
