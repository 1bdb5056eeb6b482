// Owns the fields of an alert, each with its name, what it means, and what is wrong with it.

import { hostOf, kindWords, shapeWords } from '../../contract/alert-words.ts';
import { ALERT_KINDS, ALERT_SHAPES, type Alert } from '../../contract/alerts.ts';
import type { AlertForm, Field } from '../view-model/alert-form.ts';
import { Check, Labelled, Told } from './form-field.tsx';

type Props = {
  form: AlertForm;
  before: Alert | undefined;
  fault: { field: Field; told: string } | undefined;
  set: (more: Partial<AlertForm>) => void;
  id: string;
};

export function AlertFields({ form, before, fault, set, id }: Props) {
  const text = (
    field: 'id' | 'url' | 'secret' | 'nodes' | 'runtimes' | 'grace',
    words: string,
    hint?: string,
  ) => (
    <Labelled id={`${id}${field}`} words={words} hint={hint} told={toldOf(field)}>
      <input
        id={`${id}${field}`}
        data-field={field}
        value={form[field]}
        autocomplete="off"
        spellcheck={false}
        inputMode={field === 'grace' ? 'numeric' : field === 'url' ? 'url' : 'text'}
        aria-describedby={`${id}${field}-hint ${id}${field}-fault`}
        aria-invalid={toldOf(field) !== undefined}
        onInput={({ currentTarget }) => set({ [field]: currentTarget.value })}
      />
    </Labelled>
  );
  const toldOf = (field: Field): string | undefined => (fault?.field === field ? fault.told : undefined);
  const isGeneric = form.shape === 'generic';
  return (
    <>
      {before === undefined && text('id', 'Name', 'Small letters, digits and - . _, such as slack-ops')}
      <p class="field">
        <label for={`${id}shape`}>Receiver</label>
        <select
          id={`${id}shape`}
          value={form.shape}
          onChange={({ currentTarget }) =>
            set({ shape: ALERT_SHAPES.find((shape) => shape === currentTarget.value) ?? form.shape })
          }
        >
          {ALERT_SHAPES.toReversed().map((shape) => (
            <option key={shape} value={shape}>
              {shapeWords(shape)}
            </option>
          ))}
        </select>
      </p>
      {text(
        'url',
        'Address of its webhook',
        before === undefined
          ? 'Begins with https://. It is a secret: only its host is ever shown'
          : `Empty: the one at ${hostOf(before)} stays`,
      )}
      {isGeneric && !form.isUnsigned && (
        <>
          {text(
            'secret',
            'Signing secret',
            before?.signed === true
              ? 'Empty: the one that it has stays'
              : 'Empty: messages are not signed. Copy it now: it is never shown again',
          )}
          <p>
            <button type="button" class="small" onClick={() => set({ secret: newSecret() })}>
              Make a new secret
            </button>
          </p>
        </>
      )}
      {isGeneric && before?.signed === true && (
        <Check
          words="Sign no more, and forget the secret"
          isOn={form.isUnsigned}
          onChange={(isUnsigned) => set({ isUnsigned })}
        />
      )}
      <fieldset class="field" aria-describedby={`${id}kinds-fault`}>
        <legend>Tell of</legend>
        {ALERT_KINDS.map((kind, index) => (
          <Check
            key={kind}
            field={index === 0 ? 'kinds' : undefined}
            words={kindWords(kind)}
            isOn={form.kinds.includes(kind)}
            onChange={(isOn) =>
              set({ kinds: ALERT_KINDS.filter((one) => (one === kind ? isOn : form.kinds.includes(one))) })
            }
          />
        ))}
        <Told id={`${id}kinds`} told={toldOf('kinds')} />
      </fieldset>
      {text('nodes', 'Nodes', 'Their names with commas between; empty: all')}
      {text('runtimes', 'Runtimes', 'Their ids with commas between; empty: all')}
      <p class="field">
        <label for={`${id}severity`}>Severity</label>
        <select
          id={`${id}severity`}
          value={form.minSeverity}
          onChange={({ currentTarget }) =>
            set({ minSeverity: currentTarget.value === 'error' ? 'error' : 'warn' })
          }
        >
          <option value="warn">warnings and errors</option>
          <option value="error">errors only</option>
        </select>
      </p>
      {text('grace', 'Grace in seconds', 'A problem that is over sooner is never told')}
      <Check
        words="Tell also when a problem is over"
        isOn={form.recoveries}
        onChange={(recoveries) => set({ recoveries })}
      />
    </>
  );
}

/** As Standard Webhooks has it: 32 bytes that nobody can guess. */
function newSecret(): string {
  return `whsec_${btoa(String.fromCharCode(...crypto.getRandomValues(new Uint8Array(32))))}`;
}
