/**
 * `valetkey audit`: what happened, from the audit log. `valetkey explain`: all that is known of one
 * request, from the audit log, a log file and the list of reasons.
 */
import { readFile } from 'node:fs/promises';
import { setTimeout as pause } from 'node:timers/promises';
import { type Command, InvalidArgumentError } from 'commander';
import { type AuditEvent, forLog } from 'valetkey';
import type { Assembly } from 'valetkey/server';
import { globals, subjectOf, withAssembly } from './command-context.ts';
import { wholeNumber } from './options.ts';
import { say, table } from './output.ts';

/** Rows that are read to find those of one request, or of a reason. */
const MOST_ROWS = 10_000;
/** Milliseconds between two looks of `--follow`. */
const LOOK_AGAIN = 1000;

interface AuditOptions {
  readonly client?: string;
  readonly sub?: string;
  readonly username?: string;
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
    .description(
      'show what happened: sign-ins, tokens, wrong credentials, changes; the newest last',
    )
    .option('--client <client-id>', 'only events of this application')
    .option('--sub <text>', 'only events of this subject')
    .option('--username <name>', 'only events of this person, instead of the subject')
    .option('--type <event>', 'only events of this type, such as login.failed')
    .option('--reason <reason>', 'only events with this reason, such as client_secret_wrong')
    .option('--since <time>', 'only events since then: 30m, 12h, 7d, or 2026-01-31T08:00', since)
    .option('--limit <number>', 'maximum number of events', wholeNumber(1, MOST_ROWS), 50)
    .option('--follow', 'go on with events as they happen', false)
    .addHelpText(
      'after',
      '\nExamples:\n  npx valetkey audit --client web --since 1h\n  npx valetkey audit --type login.failed --follow\n\nRefused requests, such as a wrong redirect URI, are in the log of the server: valetkey explain.',
    )
    .action(async (options: AuditOptions, command: Command) => {
      await withAssembly(command, async (assembly) => {
        const { json } = globals(command);
        const { store } = assembly.provider;
        const { username, ...given } = options;
        const wanted =
          username === undefined ? given : { ...given, sub: await subjectOf(assembly, options) };
        if (given.follow) return await follow(store, wanted, json);
        const found = await find(store, wanted);
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
        const { lines, others } = linesOf(log === undefined ? '' : await readFile(log, 'utf8'), id);
        const reasons = [
          ...new Set([...events, ...lines].map(({ reason }) => reason).filter(isText)),
        ];
        const meanings = await meaningsOf(reasons);
        const data = {
          request_id: id,
          events,
          log: lines,
          other_lines: others,
          reasons: Object.fromEntries(meanings),
        };
        if (events.length + lines.length + others.length === 0) {
          const hint =
            log === undefined
              ? 'Refusals of requests are in the log of the server: pass it with --log.'
              : `It is not in ${log} either.`;
          throw new Error(`Nothing is known of the request ${id} in the audit log. ${hint}`);
        }
        const text = [
          ...events.map(lineOf),
          ...lines.map((line) =>
            table(
              Object.entries(line)
                .filter(([key]) => key !== 'level')
                .map(([key, value]) => [key, word(value)]),
            ),
          ),
          ...others,
          ...meanings.map(([reason, meaning]) => `${reason}: ${meaning}`),
        ];
        say(globals(command).json, data, text.join('\n\n'));
      });
    });
}

type LogLine = Readonly<Record<string, unknown>>;

/** The lines of a request, and others that name it, as a terminal shows them. */
function linesOf(
  text: string,
  id: string,
): { readonly lines: readonly LogLine[]; readonly others: readonly string[] } {
  const lines: LogLine[] = [];
  const others: string[] = [];
  for (const line of text.split('\n').filter((one) => one.includes(id))) {
    try {
      const parsed = JSON.parse(line) as LogLine;
      if (parsed['requestId'] === id) lines.push(parsed);
    } catch {
      others.push(forLog(line));
    }
  }
  return { lines, others };
}

function isText(value: unknown): value is string {
  return typeof value === 'string';
}

function word(value: unknown): string {
  return forLog(typeof value === 'string' ? value : JSON.stringify(value));
}

/** Cells of the rows of tables in a page of `docs`, which is part of the package. */
async function rowsOf(page: string): Promise<readonly (readonly string[])[]> {
  const text = await readFile(new URL(`../../docs/${page}`, import.meta.url), 'utf8');
  return text
    .split('\n')
    .filter((line) => line.startsWith('|'))
    .map((line) => line.split('|').map((cell) => cell.trim()));
}

/** What the reasons mean: what people are told who look for help, else what the code says. */
async function meaningsOf(reasons: readonly string[]): Promise<readonly [string, string][]> {
  const rows = await rowsOf('reasons.md');
  const help = await rowsOf('guides/troubleshooting.md');
  return reasons.map((reason) => {
    const own = rows.filter(([, name]) => name === `\`${reason}\``);
    const described = own.find((cells) => cells[4] !== '(computed)') ?? own[0];
    const [, , code = '', file = '', text = ''] = (described ?? []).map((cell) =>
      cell.replaceAll('`', ''),
    );
    const helping = help.find(([, names]) => names?.includes(`\`${reason}\``));
    const advice = (helping ?? []).slice(2).filter((cell) => cell !== '' && cell !== 'As above.');
    const meaning = advice.join(' ') || (text === '(computed)' ? 'see the file' : text);
    return [
      reason,
      described === undefined
        ? 'not in docs/reasons.md'
        : `${code}, refused in ${file}: ${meaning}`,
    ];
  });
}
