/**
 * The log of the server: lines of JSON on standard error. It writes only the fields listed here, so
 * that no token or secret reaches the log.
 */
import { pino } from 'pino';
import type { Logger } from 'valetkey';
import type { GivenSettings } from './settings-table.ts';

/**
 * Fields that may be written beside the message. An error is reduced to its name, message, code,
 * stack and causes.
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
  'worker',
  'signal',
];

/** The logger that the settings ask for. */
export function logOf(settings: GivenSettings): Logger {
  return serverLog((settings['logLevel'] as string | undefined) ?? 'info');
}

/**
 * Creates a logger for the provider. The provider logs every refused request with `info`. This
 * logger writes those entries at level debug, because refusals are normal and frequent.
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
 * Reduces an error to members that are safe to log, because database drivers attach parameters and
 * rows to their errors. The limit on causes protects against an error that is its own cause.
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
