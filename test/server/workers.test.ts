/** `valetkey serve --workers`: several processes that share one port and one database. */
import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { freePort, type Program, start, stop, untilPrinted, untilUp } from '../processes.ts';

let folder: string;
let port: number;
const programs: Program[] = [];

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'valetkey-workers-'));
  port = await freePort();
});
afterEach(async () => {
  await Promise.all(programs.splice(0).map(async (program) => await stop(program, 'SIGKILL')));
  rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
});

const serve = (args: readonly string[], env: Readonly<Record<string, string>> = {}): Program => {
  const program = start('src/cli/main.ts', ['serve', ...args], {
    PORT: String(port),
    VALETKEY_DATA_DIR: folder,
    ...env,
  });
  programs.push(program);
  return program;
};
const origin = (): string => `http://localhost:${port}`;
/** The status of a request on a connection of its own; null when nothing listens. */
const ask = async (path: string, secret?: string): Promise<number | null> =>
  await new Promise((resolve) => {
    const isToken = secret !== undefined;
    const headers = { 'content-type': 'application/x-www-form-urlencoded' };
    const options = { agent: false, method: isToken ? 'POST' : 'GET', headers, auth: secret };
    request(`${origin()}${path}`, options, (response) => {
      response.resume().once('end', () => resolve(response.statusCode ?? 0));
    })
      .once('error', () => resolve(null))
      .end(isToken ? 'grant_type=client_credentials&scope=read' : '');
  });
const answers = async (): Promise<boolean> => (await ask('/healthz')) === 200;
const untilSilent = async (): Promise<void> => {
  for (let waited = 0; (await answers()) && waited < 30_000; waited += 100) await sleep(100);
};

describe('workers', () => {
  it('are one or more', async () => {
    expect(await serve([], { VALETKEY_WORKERS: '0' }).ended).toBe(1);
    expect(programs[0]?.output()).toContain('VALETKEY_WORKERS must be 1 or more.');
  });
  it('cannot share a database in memory', async () => {
    const program = serve(['--workers', '2'], { DATABASE_URL: 'sqlite::memory:' });
    expect(await program.ended).toBe(1);
    expect(program.output()).toContain('--workers cannot share a database in memory.');
  });
  it('say why the first of them could not start, and the command fails', async () => {
    const first = serve([]);
    await untilUp(`${origin()}/readyz`, first);
    const second = serve(['--workers', '2'], { VALETKEY_ISSUER: origin() });
    expect(await second.ended).toBe(1);
    expect(second.output()).toContain(`Port ${port} is in use`);
  });
  it('show the first passwords once, answer together, and end together after one signal', async () => {
    const program = serve(['--workers', '3']);
    await untilPrinted(program, 'Valetkey listens on');
    await untilUp(`${origin()}/readyz`, program);
    const text = program.output();
    expect(text.match(/shown only once/g)).toHaveLength(2);
    const [, secret = ''] = /curl -u (\S+)/.exec(text) ?? [];
    const statuses = await Promise.all(
      Array.from({ length: 30 }, async () => await ask('/o/token/', secret)),
    );
    expect(statuses.every((status) => status === 200)).toBe(true);
    expect(await stop(program)).toBe(0);
    await untilSilent();
    expect(await answers()).toBe(false);
  });
  it('are replaced when one of them ends', async () => {
    const program = serve(['--workers', '2'], { VALETKEY_LOG_LEVEL: 'info' });
    await untilUp(`${origin()}/readyz`, program);
    await untilPrinted(program, 'All 2 processes are ready');
    const children = await childrenOf(program);
    process.kill(children[0] ?? 0, 'SIGKILL');
    const output = await untilPrinted(program, 'a worker ended; starting another');
    expect(output).toContain(`"worker":${children[0]}`);
    for (let waited = 0; waited < 30_000; waited += 100) {
      const now = await childrenOf(program);
      if (now.length === 2 && !now.includes(children[0] ?? 0)) break;
      await sleep(100);
    }
    expect(await childrenOf(program)).toHaveLength(2);
    expect(await answers()).toBe(true);
    expect(await stop(program, 'SIGINT')).toBe(0);
  });
  it('end after a signal also while some of them still start', async () => {
    const program = serve(['--workers', '4']);
    await untilPrinted(program, 'Valetkey listens on');
    expect(await stop(program)).toBe(0);
    await untilSilent();
    expect(await answers()).toBe(false);
  });
  it('end when the first process was killed', async () => {
    const program = serve(['--workers', '2']);
    await untilUp(`${origin()}/readyz`, program);
    expect(await stop(program, 'SIGKILL')).toBe('SIGKILL');
    await untilSilent();
    expect(await answers()).toBe(false);
  });
});

/** The process ids of its workers. */
async function childrenOf(program: Program): Promise<readonly number[]> {
  return await new Promise((resolve) =>
    execFile('ps', ['-o', 'pid=', '--ppid', String(program.child.pid)], (_, text) =>
      resolve(text.trim().split(/\s+/).filter(Boolean).map(Number)),
    ),
  );
}
