// Owns the shape of a status: each has its own, so that none is told by colour alone. The word stands beside it.

export type Mark = 'ready' | 'starting' | 'degraded' | 'error' | 'offline' | 'unknown';

const SHAPES: Record<Mark, preact.JSX.Element> = {
  ready: (
    <>
      <circle cx="8" cy="8" r="7" class="solid" />
      <path d="M4.8 8.2l2.2 2.2 4.2-4.6" class="cut" />
    </>
  ),
  starting: (
    <>
      <circle cx="8" cy="8" r="6" class="stroke" />
      <path d="M8 2a6 6 0 0 1 0 12z" class="solid" />
    </>
  ),
  degraded: (
    <>
      <path d="M8 1.5L15.2 14.3H.8z" class="solid" />
      <path d="M8 6v4M8 12v.3" class="cut" />
    </>
  ),
  error: (
    <>
      <path d="M5 1h6l4 4v6l-4 4H5l-4-4V5z" class="solid" />
      <path d="M5.5 5.5l5 5M10.5 5.5l-5 5" class="cut" />
    </>
  ),
  offline: (
    <>
      <circle cx="8" cy="8" r="6" class="stroke" />
      <path d="M4 12l8-8" class="stroke" />
    </>
  ),
  unknown: <circle cx="8" cy="8" r="6" class="stroke dashed" />,
};

export function StatusMark({ status }: { status: Mark }) {
  return (
    <svg class={`mark ${status}`} viewBox="0 0 16 16" aria-hidden="true">
      {SHAPES[status]}
    </svg>
  );
}
