// Owns the menu of a runtime: every act with why it makes no sense now, and its log. A native popover closes it and gives
// focus back; the arrows, Home, End and the first letter move in it, as menus do.

import { useSignal } from '@preact/signals';
import { useId, useRef } from 'preact/hooks';
import { route } from '../model/location.ts';
import { actionPlan, type ActKind, type Subject } from '../view-model/action-plan.ts';
import { hashOf } from '../view-model/route.ts';
import { ActionDialog } from './action-dialog.tsx';

type Props = Subject & { node: string };

export function ActionMenu({ node, record, isStale }: Props) {
  const isOpen = useSignal(false);
  const asked = useSignal<ActKind | undefined>(undefined);
  const id = useId();
  const trigger = useRef<HTMLButtonElement>(null);
  const menu = useRef<HTMLDivElement>(null);
  const name = `${node}/${record.descriptor.id}`;

  const toggled = (event: { newState: string }): void => {
    isOpen.value = event.newState === 'open';
    if (isOpen.value) {
      place(menu.current, trigger.current);
      // Its items are drawn with the next frame.
      requestAnimationFrame(() => items(menu.current)[0]?.focus());
    }
  };
  const choose = (kind: ActKind): void => {
    menu.current?.hidePopover();
    asked.value = kind;
  };

  return (
    <>
      <button
        ref={trigger}
        type="button"
        class="small"
        popovertarget={id}
        aria-haspopup="menu"
        aria-expanded={isOpen.value}
        aria-controls={id}
      >
        Act<span class="unseen"> on {name}</span>
        <span class="caret" aria-hidden="true" />
      </button>
      <div
        ref={menu}
        id={id}
        class="menu"
        popover="auto"
        role="menu"
        aria-label={`Acts on ${name}`}
        onToggle={toggled}
        onKeyDown={(event) => moveIn(menu.current, event)}
      >
        {isOpen.value && (
          <>
            {actionPlan({ record, isStale }).map(({ kind, label, blocked }) => (
              <button
                key={kind}
                type="button"
                role="menuitem"
                tabIndex={-1}
                aria-disabled={blocked !== undefined}
                onClick={() => blocked === undefined && choose(kind)}
              >
                <span>{label}…</span>
                {blocked !== undefined && <small>{blocked}</small>}
              </button>
            ))}
            <a
              role="menuitem"
              tabIndex={-1}
              href={hashOf({ ...route.value, parameters: { ...route.value.parameters, logs: name } })}
              onClick={() => menu.current?.hidePopover()}
            >
              Open log
            </a>
          </>
        )}
      </div>
      {asked.value !== undefined && (
        <ActionDialog
          kind={asked.value}
          node={node}
          record={record}
          isStale={isStale}
          onClose={() => {
            asked.value = undefined;
            trigger.current?.focus();
          }}
        />
      )}
    </>
  );
}

function items(menu: HTMLElement | null): HTMLElement[] {
  return menu === null ? [] : [...menu.querySelectorAll<HTMLElement>('[role="menuitem"]')];
}

function moveIn(menu: HTMLElement | null, event: KeyboardEvent): void {
  const all = items(menu);
  const at = all.findIndex((item) => item === document.activeElement);
  const to = targetOf(event.key, at, all);
  if (to === undefined) {
    if (event.key === 'Tab') menu?.hidePopover();
    return;
  }
  event.preventDefault();
  all[to]?.focus();
}

function targetOf(key: string, at: number, all: readonly HTMLElement[]): number | undefined {
  switch (key) {
    case 'ArrowDown':
      return (at + 1) % all.length;
    case 'ArrowUp':
      return (at - 1 + all.length) % all.length;
    case 'Home':
      return 0;
    case 'End':
      return all.length - 1;
    default: {
      if (!/^\p{L}$/u.test(key)) return undefined;
      const after = all.findIndex((item, index) => index > at && startsWith(item, key));
      const found = after >= 0 ? after : all.findIndex((item) => startsWith(item, key));
      return found < 0 ? undefined : found;
    }
  }
}

function startsWith({ textContent }: HTMLElement, letter: string): boolean {
  return textContent.trim().toLowerCase().startsWith(letter.toLowerCase());
}

const EDGE = 8;

/** Below its button, or above it where there is no room; always within the window. */
function place(menu: HTMLElement | null, trigger: HTMLElement | null): void {
  if (menu === null || trigger === null) return;
  requestAnimationFrame(() => {
    const from = trigger.getBoundingClientRect();
    const { width, height } = menu.getBoundingClientRect();
    const below = from.bottom + height + EDGE <= innerHeight;
    const top = below ? from.bottom + 4 : Math.max(EDGE, from.top - height - 4);
    const left = Math.max(EDGE, Math.min(from.right - width, innerWidth - width - EDGE));
    menu.style.top = `${top}px`;
    menu.style.left = `${left}px`;
  });
}
