// Owns the sparklines of a node: tokens per second, load and memory of the last minutes, each with its figures in words.

import type { MatrixItem } from '../../contract/read-models.ts';
import { samplesOf } from '../model/samples.ts';
import { paceWords, percentWords } from '../view-model/figures.ts';
import { BOX, sparkline, sparklineWords, type Figure } from '../view-model/sparkline-path.ts';
import { tellsDeviceMemory, WINDOW_MS, type Samples } from '../view-model/sparkline-samples.ts';

/** So many heartbeats may be late before nothing is known of the time between. */
const LATE_HEARTBEATS = 3;

type Line = { figure: Figure; name: string; top?: number; format: (value: number | undefined) => string };

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

function SparklineOf({ line, samples, gapMs }: { line: Line; samples: Samples; gapMs: number }) {
  const { figure: which, name, top, format } = line;
  const untilMs = samples.at(-1)?.atMs ?? 0;
  const drawn = sparkline(samples, {
    figure: which,
    untilMs,
    windowMs: WINDOW_MS,
    gapMs,
    ...(top !== undefined && { top }),
  });
  return (
    <li class="sparkline">
      <span class="name">{name}</span>
      <span class="value">{format(drawn.last)}</span>
      <svg
        viewBox={`0 0 ${BOX.width} ${BOX.height}`}
        preserveAspectRatio="none"
        role="img"
        aria-label={sparklineWords(name, drawn, WINDOW_MS, format)}
      >
        <path class="area" d={drawn.area} />
        <path class="line" d={drawn.line} />
      </svg>
    </li>
  );
}

function linesOf(item: MatrixItem): Line[] {
  return [
    { figure: 'tokensPerSecond', name: 'Pace', format: paceWords },
    { figure: 'load', name: 'Busy slots', top: 1, format: percentWords },
    {
      figure: 'memory',
      name: tellsDeviceMemory(item) ? 'GPU memory' : 'Memory',
      top: 1,
      format: percentWords,
    },
  ];
}
