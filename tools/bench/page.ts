/**
 * The text of docs/benchmarks.md: how to read it, where the figures come from, and a table of
 * medians per scenario. It contains no path of this machine.
 */
import type { Options } from './options.ts';
import { CONNECTIONS, type Results, type Sample } from './results.ts';

interface Column {
  readonly title: string;
  cell(samples: readonly Sample[]): string;
}

const ABSENT = '–';

type Figure = (sample: Sample) => number | null;

/** The median of one figure over the windows with so many connections; null when there is none. */
function median(samples: readonly Sample[], connections: number, figure: Figure): number | null {
  const some = samples.filter((sample) => sample.connections === connections);
  return middleOf(some.map(figure).filter((value) => value !== null));
}

function middleOf(values: readonly number[]): number | null {
  const sorted = [...values].sort((a, b) => a - b);
  const [low, high] = [sorted[(sorted.length - 1) >> 1], sorted[sorted.length >> 1]];
  return low === undefined || high === undefined ? null : (low + high) / 2;
}

function perConnections(
  title: string,
  cell: (figureOf: (figure: Figure) => number | null) => string,
): Column[] {
  return CONNECTIONS.map((connections) => ({
    title: `${title}, ${connections}`,
    cell: (samples) => cell((figure) => median(samples, connections, figure)),
  }));
}

const [FEWEST, MOST] = CONNECTIONS;

const COLUMNS: readonly Column[] = [
  ...perConnections('CPU ms', (of) => number(of(({ cpu }) => cpu))),
  {
    title: `database CPU ms, ${FEWEST}`,
    cell: (samples) => number(median(samples, FEWEST, ({ databaseCpu }) => databaseCpu)),
  },
  ...perConnections('per second', (of) => number(of(({ window }) => window.operationsPerSecond))),
  ...perConnections('p50 / p99 ms', (of) => {
    const [p50, p99] = [of(({ window }) => window.p50), of(({ window }) => window.p99)];
    return `${number(p50)} / ${number(p99)}`;
  }),
  {
    title: 'storage calls',
    cell: (samples) => median(samples, FEWEST, ({ calls }) => calls)?.toFixed(1) ?? ABSENT,
  },
  {
    title: 'memory MB',
    cell: (samples) => median(samples, MOST, ({ memory }) => memory)?.toFixed(0) ?? ABSENT,
  },
];

/** Three significant digits, and no fewer before the point. */
function number(value: number | null): string {
  if (value === null || !Number.isFinite(value)) return ABSENT;
  if (value >= 100) return value.toFixed(0);
  if (value >= 10) return value.toFixed(1);
  return value.toFixed(value >= 1 ? 2 : 3);
}

export function benchmarkPage(results: Results): string {
  const { options, samples, machine, versions, missing, date } = results;
  const scenarios = [...new Set(samples.map(({ scenario }) => scenario))];
  return `# Benchmarks

<!-- Written by \`npm run bench\`. Do not edit. -->

Compare CPU time per operation first, between rows of one table: it is what a server costs, and a difference that is smaller than the spread
below means nothing. Operations a second and latencies hold for this machine alone, which runs the server, its database and the load generator
at the same time; compare none of them with another run unless the load before both was near zero.

| | |
| --- | --- |
| machine | ${machine.processor}, ${machine.cores} cores, ${machine.memoryGigabytes} GB |
| versions | ${versions.join(', ')} |
| date | ${date} |
| command | \`${options.command}\` |
| load before | ${machine.load.toFixed(1)} processes that ran or waited for a core |
| figures | ${figuresOf(options)} |
| spread | ${spreadOf(samples)} |
${missing.length === 0 ? '' : `| left out | ${missing.join(', ')}: not installed |\n`}
The numbers ${FEWEST} and ${MOST} are connections. CPU time is that of the server process in user and kernel mode; SQLite runs inside it, other databases do
not. Storage calls are calls of the store interface of Valetkey, batches of its audit log included, or of the adapter of oidc-provider; one call
of Valetkey may be an atomic act of several statements. Memory is the resident set after the windows with ${MOST} connections, and a store in
memory is part of it. The clients of oidc-provider are in its configuration, those of Valetkey in its store. Commits wait for the disk, as they
do by default.

${scenarios.map(({ title, about }) => section(title, about, samples)).join('\n')}`;
}

function figuresOf({ repeats, milliseconds }: Options): string {
  const windows = `${milliseconds} ms`;
  return repeats === 1
    ? `one window of ${windows} each: a quick look, not to be quoted`
    : `medians of ${repeats} windows of ${windows}, taken in rotation`;
}

/** How much the CPU time of the same target differs between windows of one kind. */
function spreadOf(samples: readonly Sample[]): string {
  const kinds = new Map<string, number[]>();
  for (const { scenario, target, connections, cpu } of samples) {
    const kind = `${scenario.title}, ${target.title}, ${connections}`;
    kinds.set(kind, [...(kinds.get(kind) ?? []), cpu]);
  }
  const spreads = [...kinds.values()]
    .filter((values) => values.length > 1)
    .map((values) => (Math.max(...values) - Math.min(...values)) / (middleOf(values) ?? 1));
  const spread = middleOf(spreads);
  return spread === null
    ? 'unknown, because each figure is of one window'
    : `${Math.round(spread * 100)} % from the lowest to the highest CPU time of a cell (the median of all cells)`;
}

function section(title: string, about: string, samples: readonly Sample[]): string {
  const here = samples.filter(({ scenario }) => scenario.title === title);
  const targets = [...new Set(here.map(({ target }) => target))];
  const rows = targets.map((target) => {
    const own = here.filter((sample) => sample.target === target);
    const failures = own.reduce((sum, { window }) => sum + window.failures, 0);
    const name = failures === 0 ? target.title : `${target.title} (${failures} FAILED)`;
    return row([name, ...COLUMNS.map(({ cell }) => cell(own))]);
  });
  const head = row(['', ...COLUMNS.map((column) => column.title)]);
  const rule = row(['---', ...COLUMNS.map(() => '---:')]);
  return `## ${title}\n\n${about}\n\n${[head, rule, ...rows].join('\n')}\n`;
}

function row(cells: readonly string[]): string {
  return `| ${cells.join(' | ')} |`;
}
