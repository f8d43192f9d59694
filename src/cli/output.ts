/** How commands speak: calm text for people, or one JSON object; errors one line per problem, without a stack. */
import { ConfigError } from 'valetkey';

/** Prints a result. `text` is for people; `data` for programs. */
export function say(json: boolean, data: object, text: string): void {
  process.stdout.write(json ? `${JSON.stringify(data)}\n` : `${text}\n`);
}

/** Prints why a command could not do its work and sets the exit code. */
export function fail(error: unknown, json: boolean): void {
  process.exitCode = 1;
  const problems =
    error instanceof ConfigError
      ? error.problems.map((p) => `${p.option} ${p.problem} ${p.remedy}`)
      : [error instanceof Error ? error.message : String(error)];
  if (json) process.stdout.write(`${JSON.stringify({ error: problems })}\n`);
  else process.stderr.write(`${problems.map((problem) => `✗ ${problem}`).join('\n')}\n`);
}

/** Rows in columns. */
export function table(rows: readonly (readonly string[])[]): string {
  const widths = rows.reduce<number[]>((most, row) => row.map((cell, index) => Math.max(most[index] ?? 0, cell.length)), []);
  return rows
    .map((row) =>
      row
        .map((cell, index) => cell.padEnd(widths[index] ?? 0))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}

/** A time in seconds, for people. */
export function time(seconds: number | null): string {
  return seconds === null ? '–' : new Date(seconds * 1000).toISOString().replace('T', ' ').slice(0, 16);
}
