// Owns a share as a bar. The figure stands beside it in words, so that it is for the eye alone.

export function Bar({ ratio }: { ratio: number | undefined }) {
  const tenths = ratio === undefined ? 'unknown' : String(Math.round(Math.min(1, ratio) * 20) * 5);
  return (
    <svg class="bar" viewBox="0 0 100 6" preserveAspectRatio="none" aria-hidden="true" focusable="false">
      {tenths !== 'unknown' && <rect width={tenths} height="6" rx="1" />}
    </svg>
  );
}
