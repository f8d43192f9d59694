/**
 * How tests run. The folder says what a test may need: unit, spec, contract and resource run
 * anywhere, in memory and on SQLite, and use services only where they are open; interop, pages,
 * store and server need what tools/test.ts starts, or processes of their own; faults needs minutes
 * as well, and interop/jvm needs Java. TEST_SCOPE=fast runs the first kind, TEST_SCOPE=faults and
 * TEST_SCOPE=jvm the last two, and `npm test` all but these.
 */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';

interface Kind {
  readonly name: string;
  readonly folders: readonly string[];
  /** Milliseconds that a test may take, and a hook. */
  readonly timeouts: readonly [test: number, hook: number];
  /** Whether the files of a worker share the source, so that it is loaded once. */
  readonly isolate: boolean;
}

const FAST: Kind = {
  name: 'fast',
  folders: ['unit', 'spec', 'contract', 'resource'],
  timeouts: [15_000, 30_000],
  isolate: false,
};
const SLOW: Kind = {
  name: 'slow',
  folders: ['interop', 'pages', 'store', 'server', 'conformance'],
  timeouts: [60_000, 120_000],
  isolate: true,
};
const FAULTS: Kind = { ...SLOW, name: 'faults', folders: ['faults'] };
const JVM: Kind = { ...SLOW, name: 'jvm', folders: ['interop/jvm'] };

function kindsOf(scope: string | undefined): readonly Kind[] {
  if (scope === 'fast') return [FAST];
  if (scope === 'jvm') return [JVM];
  return scope === 'faults' ? [FAULTS] : [FAST, SLOW];
}

/**
 * `valetkey/sql` means what the condition "source" of package.json says, so that no build is needed
 * and nothing is listed twice.
 */
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
    maxWorkers: '100%',
    reporters: ['default', './tools/tally-reporter.ts'],
    projects: kindsOf(process.env['TEST_SCOPE']).map(
      ({ name, folders, timeouts: [testTimeout, hookTimeout], isolate }) => ({
        extends: true,
        test: {
          name,
          include: folders.map((folder) => `test/${folder}/**/*.test.ts`),
          exclude: folders.includes('interop/jvm') ? [] : ['test/interop/jvm/**'],
          testTimeout,
          // A machine that is busy answers later; no test waits longer than it has to.
          expect: { poll: { timeout: 10_000 } },
          hookTimeout,
          isolate,
          pool: isolate ? 'forks' : 'threads',
        },
      }),
    ),
  },
});
