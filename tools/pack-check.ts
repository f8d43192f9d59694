/**
 * `npm run pack:check`: checks the package as users install it. It packs the package, runs publint
 * and arethetypeswrong on the tarball, installs it in an empty folder with install scripts
 * forbidden, and imports every entry point there. It fails when the installation is too large.
 */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const MOST_PACKAGES = 100;
const MOST_MEGABYTES = 70;

function run(command: string, args: readonly string[], cwd: string): void {
  console.log(
    `> ${[command.replace(/^.*node_modules/, 'node_modules'), ...args.map((arg) => arg.split('/').at(-1))].join(' ')}`,
  );
  execFileSync(command, args, { cwd, stdio: ['ignore', 'inherit', 'inherit'] });
}

function pack(folder: string): string {
  run('npm', ['pack', '--silent', '--pack-destination', folder], '.');
  const tarball = readdirSync(folder).find((name) => name.endsWith('.tgz'));
  if (tarball === undefined) throw new Error('npm pack created no tarball');
  return join(folder, tarball);
}

/** Installs without peer dependencies, like a user who installs nothing else. */
function install(tarball: string, folder: string): void {
  writeFileSync(join(folder, 'package.json'), '{"private":true,"type":"module"}\n');
  run('npm', ['install', '--strict-allow-scripts', '--no-audit', '--no-fund', tarball], folder);
}

/** Imports every entry point in Node, and runs the command. */
function importAll(folder: string): void {
  const { exports } = JSON.parse(readFileSync('package.json', 'utf8')) as {
    exports: Record<string, unknown>;
  };
  const subpaths = Object.keys(exports).filter((path) => path !== './package.json');
  for (const subpath of subpaths) {
    const name = `valetkey${subpath.slice(1)}`;
    const program = `const m = await import('${name}'); if (Object.keys(m).length === 0) throw new Error('${name} exports nothing');`;
    execFileSync(process.execPath, ['--input-type=module', '-e', program], {
      cwd: folder,
      stdio: 'inherit',
    });
  }
  run(process.execPath, ['node_modules/valetkey/dist/cli/main.js', '--version'], folder);
}

/** The number of packages and megabytes in node_modules. */
function measure(folder: string): { packages: number; megabytes: number } {
  const lock = JSON.parse(
    readFileSync(join(folder, 'node_modules/.package-lock.json'), 'utf8'),
  ) as {
    packages: Record<string, unknown>;
  };
  const files = readdirSync(join(folder, 'node_modules'), { recursive: true, withFileTypes: true });
  const bytes = files
    .filter((entry) => entry.isFile())
    .reduce((sum, entry) => sum + statSync(join(entry.parentPath, entry.name)).size, 0);
  return { packages: Object.keys(lock.packages).length, megabytes: Math.round(bytes / 1e6) };
}

const folder = mkdtempSync(join(tmpdir(), 'valetkey-pack-'));
try {
  const tarball = pack(folder);
  run('node_modules/.bin/publint', ['run', tarball, '--strict'], '.');
  run('node_modules/.bin/attw', [tarball, '--profile', 'esm-only', '--no-emoji'], '.');
  install(tarball, folder);
  importAll(folder);
  const { packages, megabytes } = measure(folder);
  console.log(
    `installed: ${packages} packages, ${megabytes} MB (at most ${MOST_PACKAGES} and ${MOST_MEGABYTES})`,
  );
  if (packages > MOST_PACKAGES || megabytes > MOST_MEGABYTES) process.exitCode = 1;
} catch (failure) {
  console.error(`✗ ${failure instanceof Error ? failure.message : String(failure)}`);
  process.exitCode = 1;
} finally {
  rmSync(folder, { recursive: true, force: true });
}
