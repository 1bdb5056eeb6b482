// Owns how rows become lines of a terminal.

/** Columns as wide as their widest cell, the last one free. */
export function block(rows: readonly string[][]): string[] {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  return rows.map((row) => {
    const padded = row.map((cell, column) =>
      column === row.length - 1 ? cell : cell.padEnd(widths[column] ?? 0),
    );
    return `  ${padded.join('  ')}`.trimEnd();
  });
}

/** @param columns undefined where there is no terminal, and lines keep their length. */
export function fit(line: string, columns: number | undefined): string {
  return columns === undefined || line.length <= columns
    ? line
    : `${line.slice(0, Math.max(1, columns - 1))}…`;
}

/** The words after a label, on as many lines as they need; what follows the first is as far in as its words. */
export function wrapped(label: string, words: readonly string[], columns: number): string[] {
  const lines: string[] = [];
  let line = label;
  words.forEach((word, index) => {
    const piece = index === words.length - 1 ? word : `${word},`;
    if (line.trim() !== label.trim() && line.length + 1 + piece.length > columns) {
      lines.push(line);
      line = ' '.repeat(label.length);
    }
    line += ` ${piece}`;
  });
  return [...lines, line];
}
