// Owns the parts of a form: a field with its name, what it means and what is wrong with it, and a box to check.

import type { ComponentChildren } from 'preact';

type LabelledProps = {
  id: string;
  words: string;
  hint: string | undefined;
  told: string | undefined;
  children: ComponentChildren;
};

export function Labelled({ id, words, hint, told, children }: LabelledProps) {
  return (
    <div class="field">
      <label for={id}>{words}</label>
      {children}
      <small id={`${id}-hint`} class="muted">
        {hint}
      </small>
      <Told id={id} told={told} />
    </div>
  );
}

export function Told({ id, told }: { id: string; told: string | undefined }) {
  return (
    <p id={`${id}-fault`} class="failure" role="alert">
      {told}
    </p>
  );
}

type CheckProps = {
  words: string;
  isOn: boolean;
  onChange: (isOn: boolean) => void;
  /** By which it is found when something is wrong with it. */
  field?: string | undefined;
};

export function Check({ words, isOn, onChange, field }: CheckProps) {
  return (
    <label class="check">
      <input
        type="checkbox"
        data-field={field}
        checked={isOn}
        onChange={({ currentTarget }) => onChange(currentTarget.checked)}
      />
      {words}
    </label>
  );
}
