/**
 * The output of commands: text for people, or one JSON object for programs. Errors are one line per
 * problem, without a stack trace.
 */
import { CommanderError } from 'commander';
import { ClientMetadataError, ConfigError } from 'valetkey';

/** Prints a result: `text` for people, or `data` for programs. */
export function say(json: boolean, data: object, text: string): void {
  process.stdout.write(json ? `${JSON.stringify(data)}\n` : `${text}\n`);
}

/** Prints why a command failed, and sets the exit code to 1. */
export function fail(error: unknown, json: boolean): void {
  process.exitCode = 1;
  const problems = problemsOf(error);
  if (json) process.stdout.write(`${JSON.stringify({ error: problems })}\n`);
  else process.stderr.write(`${problems.map((problem) => `✗ ${problem}`).join('\n')}\n`);
}

/** The problems in an error, in one or two sentences each. */
export function problemsOf(error: unknown): readonly string[] {
  if (error instanceof ConfigError)
    return error.problems.map(({ option, problem, remedy }) => `${option} ${problem} ${remedy}`);
  if (error instanceof ClientMetadataError)
    return error.problems.map(({ field, problem }) => `${field}: ${problem}.`);
  if (error instanceof CommanderError) {
    // A group was called without a command, and commander has already printed its help.
    if (error.code === 'commander.help') return ['No command was given. See --help.'];
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

/**
 * The message of a cause. An AggregateError has none of its own: it is thrown when a connection to
 * each address of a host failed, so the first failure explains it.
 */
function causeOf(cause: Error): string {
  const [first] = cause instanceof AggregateError ? (cause.errors as unknown[]) : [];
  return first instanceof Error ? first.message : cause.message;
}

/** Aligns rows in columns. */
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

/** Formats a time in seconds since 1970 for people, in UTC. @param exact to the second */
export function time(seconds: number | null, exact = false): string {
  return seconds === null
    ? '–'
    : `${new Date(seconds * 1000)
        .toISOString()
        .replace('T', ' ')
        .slice(0, exact ? 19 : 16)}Z`;
}
