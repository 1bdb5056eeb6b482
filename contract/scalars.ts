// Owns the scalar forms that payloads share: times, counts, sizes, ratios and spoken lines.

import * as v from 'valibot';

/** The longest line that a status may speak, in UTF-16 code units. */
export const LINE_MAX_LENGTH = 240;

/** RFC 3339, UTC, milliseconds: what `Date.prototype.toISOString` writes. */
export const Timestamp = v.pipe(
  v.string(),
  v.regex(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?Z$/, 'must be an RFC 3339 time in UTC'),
  // Month 13 has the form too, and as NaN it would compare as neither past nor to come.
  v.check((text) => !Number.isNaN(Date.parse(text)), 'must be an RFC 3339 time in UTC'),
);

export const Count = v.pipe(v.number(), v.integer(), v.minValue(0));
export const Ratio = v.pipe(v.number(), v.minValue(0), v.maxValue(1));
export const NonNegative = v.pipe(v.number(), v.finite(), v.minValue(0));

export function wholeNumber(min: number, max: number) {
  const message = `must be a whole number from ${min} to ${max}`;
  return v.pipe(v.number(message), v.integer(message), v.minValue(min, message), v.maxValue(max, message));
}

/** One non-blank line of words for a person. */
export const Line = v.pipe(v.string(), v.maxLength(LINE_MAX_LENGTH), v.regex(/\S/, 'must not be blank'));
