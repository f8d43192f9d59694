/**
 * On a Node with built-in SQLite, without libsql: the store keeps the same laws, and the built
 * server works.
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { services } from '../services.ts';

describe.skipIf(services.newerNode === null)('a newer Node', () => {
  const node = services.newerNode ?? '';
  const folder = mkdtempSync(join(tmpdir(), 'valetkey-newer-'));
  afterAll(() => rmSync(folder, { recursive: true }));
  const run = (
    args: readonly string[],
    env: Readonly<Record<string, string>> = {},
  ): { readonly code: number | null; readonly output: string } => {
    const { status, stdout, stderr } = spawnSync(node, args, {
      encoding: 'utf8',
      env: { PATH: process.env['PATH'] ?? '', HOME: process.env['HOME'] ?? '', ...env },
    });
    return { code: status, output: stdout + stderr };
  };

  it('[store] node:sqlite keeps the laws of the store', () => {
    const files = ['test/contract/store.test.ts', 'test/contract/accounts.test.ts'];
    const { code, output } = run(['node_modules/vitest/vitest.mjs', 'run', ...files], {
      NO_COLOR: '1',
      TEST_SCOPE: 'fast',
    });
    expect([code, /^(\d+) passed, 0 failed/m.exec(output)?.[1]], output).toEqual([
      0,
      expect.stringMatching(/^\d{3}$/),
    ]);
  }, 120_000);

  it('init works with the built server on node:sqlite, and doctor names that driver', () => {
    const command = (
      ...args: string[]
    ): { readonly code: number | null; readonly output: string } =>
      run(['dist/cli/main.js', ...args], { VALETKEY_DATA_DIR: folder });
    expect(command('init').code).toBe(0);
    const { code, output } = command('doctor');
    expect([code, output]).toEqual([
      0,
      expect.stringMatching(/Database: sqlite \S+ through node:sqlite/),
    ]);
    expect(output).not.toMatch(/Warning|✗/);
  }, 60_000);
});
