/**
 * `npm run bench`: measures Valetkey on each store beside oidc-provider, on this machine, and
 * writes docs/benchmarks.md. `--quick` takes a few minutes; without it the figures are worth
 * keeping. Other options: `--stores memory,postgres`, `--repeats 5`, `--ms 1500`.
 */
import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { type Options, readOptions } from './options.ts';
import { benchmarkPage } from './page.ts';

const PAGE = 'docs/benchmarks.md';

/** The servers load the build, as an application does. */
function build(): void {
  const { status } = spawnSync('npm', ['run', '--silent', 'build'], {
    stdio: ['ignore', 'inherit', 'inherit'],
  });
  if (status !== 0) throw new Error('The build failed.');
}

async function bench(options: Options): Promise<number> {
  if (process.platform !== 'linux')
    throw new Error('The benchmark reads CPU time from /proc, which only Linux has.');
  build();
  // Imported only now, because it imports from the build.
  const { measureAll } = await import('./rounds.ts');
  const results = await measureAll(options);
  writeFileSync(PAGE, benchmarkPage(results));
  const failures = results.samples.reduce((sum, { window }) => sum + window.failures, 0);
  console.log(`${PAGE} is written. ${failures} operations failed.`);
  return failures === 0 ? 0 : 1;
}

// The listeners of `exit` stop the databases and remove their folders.
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(130));
try {
  process.exitCode = await bench(readOptions(process.argv.slice(2)));
} catch (failure) {
  console.error(failure instanceof Error ? failure.message : failure);
  process.exitCode = 1;
}
