/**
 * The logger of a provider that was given none: what an operator has to know, on the console.
 * Refusals are for those who pass a logger.
 */
import type { Logger } from './domain/settings.ts';

/**
 * Reduces an error to members that are safe to log: drivers and clients of databases attach
 * parameters, rows and credentials to their errors. The limit on causes protects against an error
 * that is its own cause.
 */
export function describeError(error: Error, depth = 0): object {
  const { code } = error as { code?: unknown };
  return {
    name: error.name,
    message: error.message,
    ...(typeof code === 'string' ? { code } : {}),
    stack: error.stack,
    ...(error.cause instanceof Error && depth < 3
      ? { cause: describeError(error.cause, depth + 1) }
      : {}),
  };
}

function reduced(fields: object): object {
  return Object.fromEntries(
    Object.entries(fields).map(([name, value]) => [
      name,
      value instanceof Error ? describeError(value) : value,
    ]),
  );
}

/** Warnings and errors on the console. */
export const CONSOLE: Logger = {
  info: () => undefined,
  warn: (fields, message) => console.warn(`valetkey: ${message}`, reduced(fields)),
  error: (fields, message) => console.error(`valetkey: ${message}`, reduced(fields)),
};
