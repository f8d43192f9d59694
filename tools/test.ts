/**
 * The test command. `npm test` opens the services, builds, and runs every test but the faults and
 * those on the JVM. `--fast` runs the tests that need neither services nor a build, `--watch` runs
 * them again when a file is saved, `--faults` runs those that need minutes or many servers, and
 * `--jvm` those that need Java and Maven. Other arguments go to vitest: a file name, or `-t 'a
 * title'`. With CI=true a missing service is a failure; otherwise the tests that need it are
 * skipped, and this prints which service is missing.
 */
import { spawn, spawnSync } from 'node:child_process';
import { openServices } from './services.ts';

const VITEST = 'node_modules/vitest/vitest.mjs';

function report(missing: readonly string[]): void {
  if (missing.length === 0) return;
  for (const what of missing)
    console.error(`MISSING SERVICE: ${what}. The tests that need it do not run.`);
  if (process.env['CI'] === 'true') throw new Error('In CI every service must be available.');
}

function build(): void {
  const { status } = spawnSync('npm', ['run', '--silent', 'build'], {
    stdio: ['ignore', 'inherit', 'inherit'],
  });
  if (status !== 0) throw new Error('The build failed.');
}

/**
 * Runs vitest and resolves to its exit code. Passes signals on to it, so that it ends before the
 * services are stopped.
 */
function vitest(args: readonly string[], env: Readonly<Record<string, string>>): Promise<number> {
  const child = spawn(process.execPath, [VITEST, ...args], {
    env: { ...process.env, ...env },
    stdio: [args[0] === 'watch' ? 'inherit' : 'ignore', 'inherit', 'inherit'],
  });
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => child.kill(signal));
  return new Promise((resolve) => child.once('exit', (code) => resolve(code ?? 1)));
}

async function run(args: readonly string[]): Promise<number> {
  const rest = args.filter((arg) => !['--fast', '--watch', '--faults', '--jvm'].includes(arg));
  if (args.includes('--watch')) return await vitest(['watch', ...rest], { TEST_SCOPE: 'fast' });
  if (args.includes('--fast')) return await vitest(['run', ...rest], { TEST_SCOPE: 'fast' });
  if (args.includes('--jvm')) return await vitest(['run', ...rest], { TEST_SCOPE: 'jvm' });
  const scope = args.includes('--faults') ? 'faults' : 'all';
  // Even an empty listener keeps a signal from ending this process before the services are stopped.
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => {});
  const services = await openServices(scope);
  try {
    report(services.missing);
    build();
    return await vitest(['run', ...rest], { ...services.env, TEST_SCOPE: scope });
  } finally {
    await services.stop();
  }
}

try {
  process.exitCode = await run(process.argv.slice(2));
} catch (failure) {
  console.error(failure instanceof Error ? failure.message : failure);
  console.log('0 passed, 1 failed');
  process.exitCode = 1;
}
