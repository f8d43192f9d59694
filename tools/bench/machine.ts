/**
 * Reads CPU time and memory of processes from /proc, and says what machine this is. Only Linux has
 * this folder.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { availableParallelism, cpus, loadavg, totalmem } from 'node:os';

/** Length of a tick in /proc. It is the same on every processor that Node supports. */
const TICK_MS = 10;

export interface Machine {
  readonly processor: string;
  readonly cores: number;
  readonly memoryGigabytes: number;
  /** Processes that ran or waited for a core in the last five minutes, on average. */
  readonly load: number;
}

export function describeMachine(): Machine {
  return {
    processor: cpus()[0]?.model.trim() ?? 'unknown',
    cores: availableParallelism(),
    memoryGigabytes: Math.round(totalmem() / 2 ** 30),
    load: loadavg()[1] ?? 0,
  };
}

/** CPU time of a process and all its threads so far, in user and in kernel mode. */
export function cpuMilliseconds(pid: number): number {
  const { user, kernel } = statOf(pid);
  return (user + kernel) * TICK_MS;
}

/** The same for a process and its children, also those that ended. */
export function familyCpuMilliseconds(pid: number): number {
  const { endedChildren } = statOf(pid);
  const living = childrenOf(pid).reduce((sum, child) => sum + fineCpuMilliseconds(child), 0);
  return cpuMilliseconds(pid) + endedChildren * TICK_MS + living;
}

/**
 * CPU time of a process with one thread, in nanoseconds where the kernel counts them. PostgreSQL
 * spreads its work over many such processes, and each of them may do less than a tick.
 */
function fineCpuMilliseconds(pid: number): number {
  const nanoseconds = Number(readProc(`${pid}/schedstat`).split(' ')[0]);
  return nanoseconds > 0 ? nanoseconds / 1_000_000 : cpuMilliseconds(pid);
}

export function residentMegabytes(pid: number): number {
  const kilobytes = /^VmRSS:\s+(\d+) kB$/m.exec(readProc(`${pid}/status`))?.[1];
  return Number(kilobytes ?? 0) / 1024;
}

interface Ticks {
  readonly user: number;
  readonly kernel: number;
  readonly endedChildren: number;
}

function statOf(pid: number): Ticks {
  const text = readProc(`${pid}/stat`);
  // The second field is the name of the program, which may contain spaces and parentheses.
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
  const ticks = (index: number): number => Number(fields[index] ?? 0);
  return { user: ticks(11), kernel: ticks(12), endedChildren: ticks(13) + ticks(14) };
}

function childrenOf(pid: number): number[] {
  const threads = readdirSync(`/proc/${pid}/task`);
  const lists = threads.map((thread) => readProc(`${pid}/task/${thread}/children`));
  return lists.flatMap((list) => list.split(' ').filter(Boolean).map(Number));
}

/** Empty when the process ended in the meantime. */
function readProc(path: string): string {
  try {
    return readFileSync(`/proc/${path}`, 'latin1');
  } catch {
    return '';
  }
}
