/**
 * The server's log: lines of JSON to standard error. Only fields named here are written, so that no
 * token or secret can slip in.
 */
import { pino } from 'pino';
import type { Logger } from 'valetkey';

/**
 * What may be written beside the message. An error is written as its name, message, code and stack.
 */
const FIELDS: readonly string[] = [
  'endpoint',
  'requestId',
  'code',
  'reason',
  'method',
  'path',
  'options',
  'lost',
  'clientId',
  'requested',
  'nearest',
  'differs',
  'error',
];

/**
 * A logger for the provider. Its `info` is the daily bread of refused requests and goes to debug,
 * so that a console stays calm.
 * @param level debug, info, warn, error or silent
 */
export function serverLog(level: string): Logger {
  const log = pino(
    { level, base: null, timestamp: pino.stdTimeFunctions.isoTime },
    pino.destination(2),
  );
  return {
    info: (fields, message) => log.debug(allowed(fields), message),
    warn: (fields, message) => log.warn(allowed(fields), message),
    error: (fields, message) => log.error(allowed(fields), message),
  };
}

function allowed(fields: object): object {
  const kept = Object.entries(fields).filter(([name]) => FIELDS.includes(name));
  return Object.fromEntries(
    kept.map(([name, value]) => [name, value instanceof Error ? described(value) : value]),
  );
}

/**
 * Drivers hang parameters and rows on their errors: of an error only this is kept, down its causes.
 */
function described(error: Error, depth = 0): object {
  const { code } = error as { code?: unknown };
  return {
    name: error.name,
    message: error.message,
    ...(typeof code === 'string' ? { code } : {}),
    stack: error.stack,
    ...(error.cause instanceof Error && depth < 3
      ? { cause: described(error.cause, depth + 1) }
      : {}),
  };
}
