/**
 * Measures everything. Each scenario starts a new server of every target on empty tables. Each
 * round then measures one window of each target, in rotated order, so whatever else the machine
 * does hits all targets alike.
 */
import { readFileSync } from 'node:fs';
import { type DatabaseServer, startDatabases } from './databases.ts';
import { closeLoad, type Load, openLoad } from './load.ts';
import {
  cpuMilliseconds,
  describeMachine,
  familyCpuMilliseconds,
  residentMegabytes,
} from './machine.ts';
import type { Options } from './options.ts';
import { installPeer, PEER_VERSION } from './peer.ts';
import { CONNECTIONS, type Results, type Sample } from './results.ts';
import { SCENARIOS, type Scenario } from './scenarios.ts';
import { type ServerProcess, startServer } from './server-process.ts';
import { TARGETS, type Target } from './targets.ts';
import { runWindow } from './window.ts';
import { openWorkshop, type Workshop } from './workshop.ts';

/** A target that runs. */
interface Runner {
  readonly target: Target;
  readonly server: ServerProcess;
  readonly load: Load;
  readonly database: DatabaseServer | null;
}

interface Surroundings {
  readonly options: Options;
  readonly workshop: Workshop;
  readonly databases: readonly DatabaseServer[];
}

/** Load before the first window, so that V8 has compiled what is hot. */
const WARM_UP_MS = 3000;
/** The oldest Node that oidc-provider supports. It runs on older ones too, with a warning. */
const PEER_NODE = 22;

export async function measureAll(options: Options): Promise<Results> {
  const machine = describeMachine();
  const peerModules = installPeer();
  const workshop = openWorkshop(peerModules);
  const databases = await startDatabases(options.stores);
  try {
    const around = { options, workshop, databases: databases.running };
    const targets = TARGETS.filter(
      ({ product, store }) =>
        options.stores.includes(store) &&
        (product === 'valetkey' || peerModules !== null) &&
        (isEmbedded(store) || databases.running.some((server) => server.store === store)),
    );
    if (targets.length === 0) throw new Error('There is nothing to measure.');
    const samples: Sample[] = [];
    for (const scenario of SCENARIOS)
      samples.push(...(await measureScenario(around, scenario, targets)));
    return {
      options,
      samples,
      machine,
      versions: [
        `Node ${process.versions.node}`,
        `Valetkey ${versionOfValetkey()}`,
        ...(peerModules === null ? [] : [versionOfPeer()]),
        ...databases.running.map(({ version }) => version),
      ],
      missing: [...databases.missing, ...(peerModules === null ? ['oidc-provider'] : [])],
      date: new Date().toISOString().slice(0, 10),
    };
  } finally {
    await databases.stop();
    workshop.remove();
  }
}

function isEmbedded(store: Target['store']): boolean {
  return store === 'memory' || store === 'sqlite';
}

function versionOfValetkey(): string {
  const { version } = JSON.parse(readFileSync('package.json', 'utf8')) as { version: string };
  return version;
}

function versionOfPeer(): string {
  const isSupported = Number.parseInt(process.versions.node, 10) >= PEER_NODE;
  return `oidc-provider ${PEER_VERSION}${isSupported ? '' : ` (made for Node ${PEER_NODE} and later)`}`;
}

async function measureScenario(
  around: Surroundings,
  scenario: Scenario,
  targets: readonly Target[],
): Promise<Sample[]> {
  const { milliseconds, repeats } = around.options;
  const [fewest] = CONNECTIONS;
  const runners: Runner[] = [];
  const samples: Sample[] = [];
  try {
    for (const target of targets) {
      const runner = await start(around, scenario, target);
      runners.push(runner);
      await scenario.prepare(runner.load);
      await scenario.refill?.(runner.load, milliseconds);
      await runWindow(scenario, runner.load, fewest, WARM_UP_MS);
    }
    for (let round = 0; round < repeats; round += 1)
      for (const connections of CONNECTIONS)
        for (const runner of rotated(runners, round)) {
          const sample = await measure(scenario, runner, connections, milliseconds);
          samples.push(sample);
          console.log(lineOf(sample));
        }
  } finally {
    for (const { server, load } of runners) {
      closeLoad(load);
      await server.stop();
    }
  }
  return samples;
}

function rotated(runners: readonly Runner[], round: number): Runner[] {
  const first = round % runners.length;
  return [...runners.slice(first), ...runners.slice(0, first)];
}

async function start(
  { workshop, databases }: Surroundings,
  { prefix }: Scenario,
  target: Target,
): Promise<Runner> {
  const { product, store } = target;
  const database = databases.find((one) => one.store === store) ?? null;
  const url = store === 'sqlite' ? workshop.sqliteUrl : (database?.cluster.url ?? null);
  const server = await startServer(workshop.program, { product, store, url, prefix });
  try {
    return { target, server, database, load: await openLoad(server.port) };
  } catch (failure) {
    await server.stop();
    throw failure;
  }
}

async function measure(
  scenario: Scenario,
  { target, server, load, database }: Runner,
  connections: number,
  milliseconds: number,
): Promise<Sample> {
  await scenario.refill?.(load, milliseconds);
  const databaseCpu = (): number =>
    database === null ? 0 : familyCpuMilliseconds(database.cluster.pid);
  const before = {
    calls: await server.calls(),
    databaseCpu: databaseCpu(),
    cpu: cpuMilliseconds(server.pid),
  };
  const window = await runWindow(scenario, load, connections, milliseconds);
  const perOperation = (total: number): number => total / window.operations;
  return {
    target,
    scenario,
    connections,
    window,
    cpu: perOperation(cpuMilliseconds(server.pid) - before.cpu),
    databaseCpu: database === null ? null : perOperation(databaseCpu() - before.databaseCpu),
    calls: perOperation((await server.calls()) - before.calls),
    memory: residentMegabytes(server.pid),
  };
}

function lineOf({ scenario, target, connections, window, cpu, calls, memory }: Sample): string {
  const figures = [
    `${cpu.toFixed(3)} ms CPU`,
    `${window.operationsPerSecond.toFixed(0)}/s`,
    `p50 ${window.p50.toFixed(1)} ms`,
    `p99 ${window.p99.toFixed(1)} ms`,
    `${calls.toFixed(1)} calls`,
    `${memory.toFixed(0)} MB`,
  ];
  return `${scenario.title}, ${connections} connections, ${target.title}: ${figures.join(', ')}`;
}
