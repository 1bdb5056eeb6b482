// Owns the question before an act: what will happen, what it costs, what it needs to know. It stays open until the hub has
// answered, for what is sent cannot be taken back: a refusal is told here, and an empty budget may be forced here.

import { useSignal } from '@preact/signals';
import { useId, useRef } from 'preact/hooks';
import { newKey } from '../connection/action-request.ts';
import { keepAct, submitAct } from '../model/acts.ts';
import { hubTime } from '../model/clock.ts';
import { actCost, type ActInput } from '../view-model/action-cost.ts';
import { actLabel, type ActKind, type Subject } from '../view-model/action-plan.ts';
import { progressWords } from '../view-model/action-progress.ts';
import { ActionFields, modelsFor } from './action-fields.tsx';
import { Question } from './question.tsx';

type Props = Subject & { kind: ActKind; node: string; onClose: () => void };

export function ActionDialog({ kind, node, record, isStale, onClose }: Props) {
  const dialog = useRef<HTMLDialogElement>(null);
  const id = useId();
  const input = useSignal<ActInput>(firstInput(kind, record));
  const isSending = useSignal(false);
  const refusal = useSignal<string | undefined>(undefined);
  /** The hub knows of an empty budget before the next snapshot does. */
  const saidExhausted = useSignal(false);
  /** One key for one wish: the same arguments again are the same act. */
  const key = useRef({ of: '', key: '' });
  // Of the runtime as it is now, also while the question stands.
  const cost = actCost(kind, input.value, { record, isStale }, hubTime());
  const runtime = record.descriptor.id;

  const set = (more: ActInput): void => {
    input.value = { ...input.value, ...more };
    refusal.value = undefined;
    // Other arguments may spend nothing. A restore always does: its `force` is the way past.
    if (kind !== 'restore') saidExhausted.value = false;
  };
  const isExhausted = cost.exhausted !== undefined || saidExhausted.value;
  const mayForce = isExhausted && kind === 'restore';
  const isIncomplete =
    (kind === 'switch' && input.value.preset === undefined && input.value.sandbox === undefined) ||
    (isExhausted && !(mayForce && input.value.force === true));

  const send = async (): Promise<void> => {
    const of = JSON.stringify(input.value);
    if (key.current.of !== of) key.current = { of, key: newKey() };
    isSending.value = true;
    refusal.value = undefined;
    const request = { kind, node, runtime, input: input.value, idempotencyKey: key.current.key };
    const progress = await submitAct(request);
    isSending.value = false;
    const { phase } = progress;
    if (phase.kind === 'exhausted') saidExhausted.value = true;
    if (phase.kind !== 'exhausted' && phase.kind !== 'refused') dialog.current?.close();
    else if (dialog.current?.open === true) refusal.value = progressWords(progress, hubTime());
    // A browser closes it at the second Escape, whatever the page wants.
    else keepAct(progress);
  };

  return (
    <Question
      dialog={dialog}
      title={actLabel(kind)}
      describedBy={`${id}cost`}
      words={{ act: actLabel(kind), acting: 'Sending …' }}
      isSending={isSending.value}
      isIncomplete={isIncomplete}
      refusal={refusal.value}
      onSubmit={() => void send()}
      onClose={onClose}
    >
      <p class="subject">
        {record.descriptor.name} <span class="muted">{`${node}/${runtime}`}</span>
      </p>
      <ActionFields kind={kind} record={record} input={input.value} set={set} id={id} />
      <ul id={`${id}cost`} class="cost">
        {cost.lines.map((line) => (
          <li key={line}>{line}</li>
        ))}
      </ul>
      {mayForce && (
        <label class="check">
          <input
            type="checkbox"
            checked={input.value.force === true}
            onChange={({ currentTarget }) => set({ force: currentTarget.checked })}
          />
          Force it, past its empty restart budget
        </label>
      )}
    </Question>
  );
}

function firstInput(kind: ActKind, record: Subject['record']): ActInput {
  if (kind === 'drain') return { after: 'hold' };
  if (kind !== 'load' && kind !== 'unload') return {};
  const model = modelsFor(kind, record)[0];
  return model === undefined ? {} : { model };
}
