/**
 * The log of the server: lines of JSON on standard error, or lines for people on a terminal. It
 * writes only the fields listed here, so that no token or secret reaches the log.
 */
import { pino } from 'pino';
import { describeError, type Logger } from 'valetkey';
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
  'expected',
  'received',
  'remedy',
  'error',
  'worker',
  'signal',
];

/** The logger that the settings ask for. */
export function logOf(settings: GivenSettings): Logger {
  return serverLog((settings['logLevel'] as string | undefined) ?? 'info');
}

/**
 * Creates a logger for the provider: lines of JSON, or lines for people where standard error is a
 * terminal.
 * @param level debug, info, warn, error or silent
 */
export function serverLog(
  level: string,
  isTerminal: boolean = process.stderr.isTTY === true,
): Logger {
  const file = pino.destination(2);
  const stream = isTerminal ? { write: (line: string) => void file.write(readable(line)) } : file;
  const log = pino({ level, base: null, timestamp: pino.stdTimeFunctions.isoTime }, stream);
  return {
    info: (fields, message) => log.info(allowed(fields), message),
    warn: (fields, message) => log.warn(allowed(fields), message),
    error: (fields, message) => log.error(allowed(fields), message),
  };
}

const LEVELS: Readonly<Record<number, string>> = { 20: '·', 30: '·', 40: 'warning', 50: 'error' };

/** `12:03:11 · request refused: client_secret_wrong (client web at token) …` */
export function readable(line: string): string {
  const { time, level, msg, reason, clientId, endpoint, requestId, ...more } = JSON.parse(
    line,
  ) as Record<string, unknown>;
  const where = [
    clientId === undefined ? null : `client ${String(clientId)}`,
    typeof endpoint === 'string' ? `at ${endpoint}` : null,
  ].filter((part) => part !== null);
  const { expected, received, remedy, error, code: _, ...rest } = more;
  const parts = [
    `${String(time).slice(11, 19)} ${LEVELS[Number(level)] ?? 'error'} ${String(msg)}`,
    reason === undefined ? '' : `: ${String(reason)}`,
    where.length === 0 ? '' : ` (${where.join(' ')})`,
    expected === undefined ? '' : `; expected ${String(expected)}`,
    received === undefined ? '' : `; received ${String(received)}`,
    remedy === undefined ? '' : `; to change it: ${String(remedy)}`,
    ...Object.entries(rest).map(([name, value]) => ` ${name}=${JSON.stringify(value)}`),
    requestId === undefined ? '' : ` [${String(requestId)}]`,
  ];
  return `${parts.join('')}${error === undefined ? '' : `\n${traceOf(error)}`}\n`;
}

function traceOf(error: unknown): string {
  const { stack, message, cause } = error as { stack?: string; message?: string; cause?: unknown };
  const own = stack ?? String(message);
  return cause === undefined ? own : `${own}\ncaused by ${traceOf(cause)}`;
}

function allowed(fields: object): object {
  const kept = Object.entries(fields).filter(([name]) => FIELDS.includes(name));
  return Object.fromEntries(
    kept.map(([name, value]) => [name, value instanceof Error ? describeError(value) : value]),
  );
}
