// Owns the sparklines of a node: tokens per second, load and memory of the last minutes, each with its figures in words.

import type { MatrixItem } from '../../contract/read-models.ts';
import { samplesOf } from '../model/samples.ts';
import { paceWords, percentWords } from '../view-model/figures.ts';
import { BOX, sparkline, sparklineWords, type Figure, type Sparkline } from '../view-model/sparkline-path.ts';
import { tellsDeviceMemory, WINDOW_MS, type Samples } from '../view-model/sparkline-samples.ts';

/** So many heartbeats may be late before nothing is known of the time between. */
const LATE_HEARTBEATS = 3;

type Line = { figure: Figure; name: string; top?: number; format: (value: number | undefined) => string };

type LineProps = { line: Line; samples: Samples; gapMs: number };

const PACE: Line = { figure: 'tokensPerSecond', name: 'Pace', format: paceWords };

export function Sparklines({ item }: { item: MatrixItem }) {
  const samples = samplesOf(item.target).value;
  const gapMs = item.reporter.interval_ms * LATE_HEARTBEATS;
  return (
    <ul class="sparklines">
      {linesOf(item).map((line) => (
        <SparklineOf key={line.figure} line={line} samples={samples} gapMs={gapMs} />
      ))}
    </ul>
  );
}

/** The pace alone, for a row; nothing while it was never told. */
export function PaceLine({ item }: { item: MatrixItem }) {
  const samples = samplesOf(item.target).value;
  if (samples.every(({ tokensPerSecond }) => tokensPerSecond === undefined)) return null;
  return <Drawn line={PACE} samples={samples} gapMs={item.reporter.interval_ms * LATE_HEARTBEATS} />;
}

function SparklineOf({ line, samples, gapMs }: LineProps) {
  const { name, format } = line;
  return (
    <li class="sparkline">
      <span class="name">{name}</span>
      <span class="value">{format(drawnOf({ line, samples, gapMs }).last)}</span>
      <Drawn line={line} samples={samples} gapMs={gapMs} />
    </li>
  );
}

function Drawn({ line, samples, gapMs }: LineProps) {
  const drawn = drawnOf({ line, samples, gapMs });
  return (
    <svg
      class={drawn.line === '' ? 'drawn is-unknown' : 'drawn'}
      viewBox={`0 0 ${BOX.width} ${BOX.height}`}
      preserveAspectRatio="none"
      role="img"
      aria-label={sparklineWords(line.name, drawn, WINDOW_MS, line.format)}
    >
      <path class="area" d={drawn.area} />
      <path class="line" d={drawn.line} />
    </svg>
  );
}

function drawnOf({ line: { figure, top }, samples, gapMs }: LineProps): Sparkline {
  const untilMs = samples.at(-1)?.atMs ?? 0;
  return sparkline(samples, {
    figure,
    untilMs,
    windowMs: WINDOW_MS,
    gapMs,
    ...(top !== undefined && { top }),
  });
}

function linesOf(item: MatrixItem): Line[] {
  return [
    PACE,
    { figure: 'load', name: 'Busy slots', top: 1, format: percentWords },
    {
      figure: 'memory',
      name: tellsDeviceMemory(item) ? 'GPU memory' : 'Memory',
      top: 1,
      format: percentWords,
    },
  ];
}
