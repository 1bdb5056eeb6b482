// Owns how a JSON Schema is shown to a person: a list of members with their type, their limits and their words.

import type { JsonSchema } from '@valibot/to-json-schema';
import { html, NOTHING, words, type Html } from './html.ts';

type Piece = JsonSchema | boolean | undefined;

const COMPONENT = '#/components/schemas/';

export function schemaHtml(schema: JsonSchema): Html {
  const members = membersOf(schema);
  return html`<p class="type">${typeHtml(schema)}${limits(schema)}</p>
    ${members}`;
}

/** The members of an object, or of the items of a list; nothing where it has a name of its own. */
function membersOf(schema: Piece): Html {
  if (typeof schema !== 'object' || schema.$ref !== undefined) return NOTHING;
  const { properties, items, additionalProperties, anyOf, oneOf, allOf } = schema;
  const choices = anyOf ?? oneOf ?? allOf;
  if (choices) return html`${choices.map(membersOf)}`;
  if (properties) {
    const required = new Set(schema.required);
    return html`<dl>
      ${Object.entries(properties).map(([name, member]) => memberHtml(name, member, required.has(name)))}
    </dl>`;
  }
  if (typeof items === 'object' && !Array.isArray(items)) return membersOf(items);
  return membersOf(additionalProperties);
}

function memberHtml(name: string, schema: Piece, isRequired: boolean): Html {
  const optional = isRequired ? NOTHING : html` <span class="optional">optional</span>`;
  const inside = membersOf(schema);
  return html`<dt><code>${name}</code>${optional}</dt>
    <dd><span class="type">${typeHtml(schema)}${limits(schema)}</span>${inside}</dd> `;
}

function typeHtml(schema: Piece): Html {
  if (typeof schema !== 'object') return html`anything`;
  const { $ref, type, items, additionalProperties } = schema;
  const values = schema.enum ?? ('const' in schema ? [schema.const] : undefined);
  if ($ref !== undefined) {
    const name = $ref.slice(COMPONENT.length);
    return html`<a href="#schema-${name}">${name}</a>`;
  }
  if (values) {
    return html`${values.map((value, index) => html`${index > 0 ? ' | ' : ''}<code>${JSON.stringify(value)}</code>`)}`;
  }
  const choices = schema.anyOf ?? schema.oneOf ?? schema.allOf;
  if (choices) {
    const between = schema.allOf ? ' with ' : ' or ';
    return html`${choices.map((choice, index) => html`${index > 0 ? between : ''}${typeHtml(choice)}`)}`;
  }
  if (type === 'array') return html`list of ${typeHtml(Array.isArray(items) ? undefined : items)}`;
  if (type === 'object' && additionalProperties !== undefined && additionalProperties !== false) {
    return html`object of ${typeHtml(additionalProperties)}`;
  }
  return html`${typeof type === 'string' ? type : 'anything'}`;
}

function limits(schema: Piece): Html {
  if (typeof schema !== 'object') return NOTHING;
  const { minimum, maximum, minLength, maxLength, minItems, maxItems, description } = schema;
  const told = [
    range(minimum, maximum, ''),
    range(minLength, maxLength, ' characters'),
    range(minItems, maxItems, ' items'),
    'default' in schema ? `default ${JSON.stringify(schema.default)}` : undefined,
    description,
  ].filter((text) => text !== undefined);
  return told.length === 0 ? NOTHING : html`<span class="limits">, ${words(told.join('; '))}</span>`;
}

function range(from: number | undefined, to: number | undefined, unit: string): string | undefined {
  if (from === undefined && to === undefined) return undefined;
  if (from === undefined) return `at most ${to}${unit}`;
  return to === undefined ? `at least ${from}${unit}` : `${from} to ${to}${unit}`;
}
