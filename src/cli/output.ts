/**
 * How commands speak: calm text for people, or one JSON object; errors one line per problem,
 * without a stack.
 */
import { CommanderError } from 'commander';
import { ClientMetadataError, ConfigError } from 'valetkey';

/** Prints a result. `text` is for people; `data` for programs. */
export function say(json: boolean, data: object, text: string): void {
  process.stdout.write(json ? `${JSON.stringify(data)}\n` : `${text}\n`);
}

/** Prints why a command could not do its work and sets the exit code. */
export function fail(error: unknown, json: boolean): void {
  process.exitCode = 1;
  const problems = problemsOf(error);
  if (json) process.stdout.write(`${JSON.stringify({ error: problems })}\n`);
  else process.stderr.write(`${problems.map((problem) => `✗ ${problem}`).join('\n')}\n`);
}

/** One sentence or two for each thing that is wrong. */
export function problemsOf(error: unknown): readonly string[] {
  if (error instanceof ConfigError)
    return error.problems.map(({ option, problem, remedy }) => `${option} ${problem} ${remedy}`);
  if (error instanceof ClientMetadataError)
    return error.problems.map(({ field, problem }) => `${field}: ${problem}.`);
  if (error instanceof CommanderError) {
    // The group of commands was called without one of them: its help was printed already.
    if (error.code === 'commander.help') return ['Which command? See --help.'];
    return [
      `${error.message.replace(/^error: /, '').replaceAll(/\s*\n\s*/g, ' ')}. See --help.`.replace(
        /([.?)])\. See/,
        '$1 See',
      ),
    ];
  }
  const message = error instanceof Error ? error.message : String(error);
  return [
    error instanceof Error && error.cause instanceof Error
      ? `${message} (${causeOf(error.cause)})`
      : message,
  ];
}

/** Several addresses of a host were tried: each failure has a message, the whole has none. */
function causeOf(cause: Error): string {
  const [first] = cause instanceof AggregateError ? (cause.errors as unknown[]) : [];
  return first instanceof Error ? first.message : cause.message;
}

/** Rows in columns. */
export function table(rows: readonly (readonly string[])[]): string {
  const widths = rows.reduce<number[]>(
    (most, row) => row.map((cell, index) => Math.max(most[index] ?? 0, cell.length)),
    [],
  );
  return rows
    .map((row) =>
      row
        .map((cell, index) => cell.padEnd(widths[index] ?? 0))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}

/** A time in seconds, for people: UTC. */
export function time(seconds: number | null): string {
  return seconds === null
    ? '–'
    : `${new Date(seconds * 1000).toISOString().replace('T', ' ').slice(0, 16)}Z`;
}
