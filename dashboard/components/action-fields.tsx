// Owns what an act asks for beside a yes: a model, a preset, a sandbox, what follows.

import { SANDBOX_KINDS } from '../../contract/words.ts';
import type { ActInput } from '../view-model/action-cost.ts';
import { modelsToLoad, modelsToUnload, type ActKind, type Subject } from '../view-model/action-plan.ts';

type Props = {
  kind: ActKind;
  record: Subject['record'];
  input: ActInput;
  set: (more: ActInput) => void;
  id: string;
};

export function ActionFields({ kind, record, input, set, id }: Props) {
  const { presets } = record.descriptor;
  switch (kind) {
    case 'load':
    case 'unload':
      return (
        <p class="field">
          <label for={`${id}model`}>Model</label>
          <select
            id={`${id}model`}
            value={input.model}
            onChange={({ currentTarget }) => set({ model: currentTarget.value })}
          >
            {modelsFor(kind, record).map((model) => (
              <option key={model}>{model}</option>
            ))}
          </select>
        </p>
      );
    case 'drain':
      return (
        <p class="field">
          <label for={`${id}after`}>Once nothing is at work</label>
          <select
            id={`${id}after`}
            value={input.after}
            onChange={({ currentTarget }) => set({ after: afterOf(currentTarget.value) })}
          >
            <option value="hold">keep it up, without new work</option>
            <option value="restart">restart it</option>
            <option value="shutdown">shut it down</option>
          </select>
        </p>
      );
    case 'switch':
      return (
        <>
          {presets === undefined && (
            <p class="field">
              <label for={`${id}preset`}>Preset, as its manifest names it (empty: as it is)</label>
              <input
                id={`${id}preset`}
                value={input.preset ?? ''}
                autocomplete="off"
                spellcheck={false}
                onInput={({ currentTarget }) => set({ preset: chosen(currentTarget.value) })}
              />
            </p>
          )}
          {presets !== undefined && presets.length > 0 && (
            <p class="field">
              <label for={`${id}preset`}>Preset</label>
              <select
                id={`${id}preset`}
                value={input.preset ?? ''}
                onChange={({ currentTarget }) => set({ preset: chosen(currentTarget.value) })}
              >
                <option value="">as it is ({record.descriptor.preset ?? 'none'})</option>
                {presets.map((preset) => (
                  <option key={preset}>{preset}</option>
                ))}
              </select>
            </p>
          )}
          <p class="field">
            <label for={`${id}sandbox`}>Sandbox</label>
            <select
              id={`${id}sandbox`}
              value={input.sandbox ?? ''}
              onChange={({ currentTarget }) => set({ sandbox: chosen(currentTarget.value) })}
            >
              <option value="">as it is ({record.descriptor.sandbox ?? 'none named'})</option>
              {SANDBOX_KINDS.map((sandbox) => (
                <option key={sandbox}>{sandbox}</option>
              ))}
            </select>
          </p>
        </>
      );
    case 'restore':
    case 'start':
    case 'shutdown':
    case 'undrain':
      return null;
    default:
      return kind satisfies never;
  }
}

export function modelsFor(kind: 'load' | 'unload', record: Subject['record']): string[] {
  return kind === 'load' ? modelsToLoad(record) : modelsToUnload(record);
}

function afterOf(value: string): 'hold' | 'shutdown' | 'restart' {
  return value === 'shutdown' || value === 'restart' ? value : 'hold';
}

/** An empty field leaves it as it is. */
function chosen(value: string): string | undefined {
  return value.trim() === '' ? undefined : value.trim();
}
