/**
 * How tests run. The folder says what a test may need: unit, spec and contract run anywhere (the databases of contract only in the full
 * run); interop, pages and faults need what tools/test.ts starts. TEST_SCOPE=fast keeps to the first three, on memory only.
 */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';

const FAST = ['unit', 'spec', 'contract'];
const SLOW = ['interop', 'pages', 'faults', 'server'];
const folders = process.env['TEST_SCOPE'] === 'fast' ? FAST : [...FAST, ...SLOW];

/** `valetkey/sql` means what the condition "source" of package.json says, so that no build is needed and nothing is listed twice. */
function sourceAliases(): { find: RegExp; replacement: string }[] {
  const root = new URL('.', import.meta.url);
  const { exports } = JSON.parse(readFileSync(new URL('package.json', root), 'utf8')) as {
    exports: Record<string, string | { source: string }>;
  };
  return Object.entries(exports).flatMap(([subpath, target]) =>
    typeof target === 'string'
      ? []
      : [
          {
            find: new RegExp(`^valetkey${subpath.slice(1)}$`),
            replacement: fileURLToPath(new URL(target.source, root)),
          },
        ],
  );
}

export default defineConfig({
  resolve: { alias: sourceAliases() },
  test: {
    reporters: ['default', './tools/tally-reporter.ts'],
    projects: folders.map((folder) => ({
      extends: true,
      test: {
        name: folder,
        include: [`test/${folder}/**/*.test.ts`],
        testTimeout: SLOW.includes(folder) ? 60_000 : 15_000,
        hookTimeout: SLOW.includes(folder) ? 120_000 : 30_000,
      },
    })),
  },
});
