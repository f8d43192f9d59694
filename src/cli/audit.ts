/**
 * `valetkey audit`: what happened, from the audit log. `valetkey explain`: all that is known of one
 * request, from the audit log, a log file and the list of reasons.
 */
import { readFile } from 'node:fs/promises';
import { setTimeout as pause } from 'node:timers/promises';
import { type Command, InvalidArgumentError } from 'commander';
import { type AuditEvent, forLog } from 'valetkey';
import type { Assembly } from 'valetkey/server';
import { globals, withAssembly } from './command-context.ts';
import { wholeNumber } from './options.ts';
import { say, table } from './output.ts';

/** Rows that are read to find those of one request, or of a reason. */
const MOST_ROWS = 10_000;
/** Milliseconds between two looks of `--follow`. */
const LOOK_AGAIN = 1000;

interface AuditOptions {
  readonly client?: string;
  readonly sub?: string;
  readonly type?: string;
  readonly reason?: string;
  readonly since?: number;
  readonly limit: number;
  readonly follow: boolean;
}

type Store = Assembly['provider']['store'];

export function audit(program: Command): void {
  program
    .command('audit')
    .description('show what happened: sign-ins, tokens, refusals, changes; the newest last')
    .option('--client <client-id>', 'only events of this application')
    .option('--sub <text>', 'only events of this subject')
    .option('--type <event>', 'only events of this type, such as login.failed')
    .option('--reason <reason>', 'only events with this reason, such as client_secret_wrong')
    .option('--since <time>', 'only events since then: 30m, 12h, 7d, or 2026-01-31T08:00', since)
    .option('--limit <number>', 'maximum number of events', wholeNumber(1, MOST_ROWS), 50)
    .option('--follow', 'go on with events as they happen', false)
    .addHelpText(
      'after',
      '\nExamples:\n  npx valetkey audit --client web --since 1h\n  npx valetkey audit --type login.failed --follow',
    )
    .action(async (options: AuditOptions, command: Command) => {
      await withAssembly(command, async ({ provider: { store } }) => {
        const { json } = globals(command);
        if (options.follow) return await follow(store, options, json);
        const found = await find(store, options);
        say(json, { events: found }, found.map(lineOf).join('\n') || 'Nothing was found.');
      });
    });
}

/** The newest events that meet the options, the newest last. */
async function find(store: Store, options: AuditOptions): Promise<readonly AuditEvent[]> {
  const { client: clientId, sub, type, reason, since: from = 0, limit } = options;
  const narrows = reason !== undefined;
  const rows = await store.audit.list({
    limit: narrows ? MOST_ROWS : limit,
    ...(clientId === undefined ? {} : { clientId }),
    ...(sub === undefined ? {} : { sub }),
    ...(type === undefined ? {} : { type }),
  });
  return rows
    .filter((row) => row.at >= from && (!narrows || row.reason === reason))
    .slice(0, limit)
    .reverse();
}

async function follow(store: Store, options: AuditOptions, json: boolean): Promise<never> {
  const all = { ...options, limit: MOST_ROWS };
  let known: ReadonlySet<string> = new Set();
  let found = await find(store, all);
  let shown = found.slice(-options.limit);
  for (;;) {
    for (const event of shown) say(json, event, lineOf(event));
    known = new Set(found.map(({ id }) => id));
    await pause(LOOK_AGAIN);
    found = await find(store, all);
    shown = found.filter(({ id }) => !known.has(id));
  }
}

function lineOf({ at, type, clientId, sub, reason, ip, requestId, detail }: AuditEvent): string {
  const parts = [
    new Date(at * 1000).toISOString().replace('.000', ''),
    type,
    ...Object.entries({ client: clientId, sub, reason, from: ip, request: requestId, ...detail })
      .filter(([, value]) => value !== null)
      .map(([name, value]) => `${name}=${forLog(String(value))}`),
  ];
  return parts.join('  ');
}

function since(value: string): number {
  const [, count, unit = ''] = /^([0-9]{1,6})([smhd])$/.exec(value) ?? [];
  const seconds = { s: 1, m: 60, h: 3600, d: 86_400 }[unit];
  if (seconds !== undefined) return Math.floor(Date.now() / 1000) - Number(count) * seconds;
  const time = Date.parse(value);
  if (Number.isNaN(time))
    throw new InvalidArgumentError('Write it like 30m, 12h, 7d or 2026-01-31T08:00.');
  return Math.floor(time / 1000);
}

export function explain(program: Command): void {
  program
    .command('explain')
    .description('tell what is known of one request; its id stands on the error page')
    .argument('<request-id>', 'id of the request')
    .option('--log <file>', 'a log file of the server, in JSON lines')
    .action(async (id: string, { log }: { readonly log?: string }, command: Command) => {
      await withAssembly(command, async ({ provider: { store } }) => {
        const events = (await store.audit.list({ limit: MOST_ROWS }))
          .filter(({ requestId }) => requestId === id)
          .reverse();
        const lines = log === undefined ? [] : linesOf(await readFile(log, 'utf8'), id);
        const reasons = [
          ...new Set([...events, ...lines].map(({ reason }) => reason).filter(isText)),
        ];
        const meanings = await meaningsOf(reasons);
        const data = { request_id: id, events, log: lines, reasons: Object.fromEntries(meanings) };
        if (events.length + lines.length === 0) {
          const hint =
            log === undefined
              ? 'Refusals of requests are in the log of the server: pass it with --log.'
              : `It is not in ${log} either.`;
          throw new Error(`Nothing is known of the request ${id} in the audit log. ${hint}`);
        }
        const text = [
          ...events.map(lineOf),
          ...lines.map((line) =>
            table(Object.entries(line).map(([key, value]) => [key, word(value)])),
          ),
          ...meanings.map(([reason, meaning]) => `${reason}: ${meaning}`),
        ];
        say(globals(command).json, data, text.join('\n\n'));
      });
    });
}

type LogLine = Readonly<Record<string, unknown>>;

function linesOf(text: string, id: string): readonly LogLine[] {
  return text.split('\n').flatMap((line) => {
    if (!line.includes(id)) return [];
    try {
      const parsed = JSON.parse(line) as LogLine;
      return parsed['requestId'] === id ? [parsed] : [];
    } catch {
      // Other programs write to the same file.
      return [];
    }
  });
}

function isText(value: unknown): value is string {
  return typeof value === 'string';
}

function word(value: unknown): string {
  return forLog(typeof value === 'string' ? value : JSON.stringify(value));
}

/** What the reasons mean, from the list in `docs/reasons.md`, which is part of the package. */
async function meaningsOf(reasons: readonly string[]): Promise<readonly [string, string][]> {
  const page = await readFile(new URL('../../docs/reasons.md', import.meta.url), 'utf8');
  const rows = page
    .split('\n')
    .map((line) => line.split('|').map((cell) => cell.trim().replaceAll('`', '')));
  return reasons.map((reason) => {
    const own = rows.filter(([, name]) => name === reason);
    const described = own.find((cells) => cells[4] !== '(computed)') ?? own[0];
    const [, , code = '', file = '', text = ''] = described ?? [];
    const meaning = text === '(computed)' ? 'see the file' : text;
    return [
      reason,
      described === undefined
        ? 'not in docs/reasons.md'
        : `${code}, refused in ${file}: ${meaning}`,
    ];
  });
}
