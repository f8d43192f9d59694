/**
 * Installs oidc-provider and its database driver from npm into the cache folder of this person, so
 * they never become dependencies of this project. A second run finds them there.
 */
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';

export const PEER_VERSION = '9.13.3';
const PACKAGES = [`oidc-provider@${PEER_VERSION}`, 'pg@8.23.1'];

/** The folder `node_modules` with both packages; null when they cannot be installed. */
export function installPeer(): string | null {
  const cache = process.env['XDG_CACHE_HOME'] || join(homedir(), '.cache');
  const folder = join(cache, 'valetkey-bench', PACKAGES.join('-'));
  const modules = join(folder, 'node_modules');
  // npm writes this file last.
  if (existsSync(join(modules, '.package-lock.json'))) return modules;
  console.log(`Installing ${PACKAGES.join(' and ')} into ${folder}`);
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, 'package.json'), '{"private":true}\n');
  const options = ['--no-audit', '--no-fund', '--ignore-scripts', '--save-exact'];
  try {
    execFileSync('npm', ['install', '--prefix', folder, ...options, ...PACKAGES], {
      cwd: folder,
      stdio: ['ignore', 'ignore', 'inherit'],
    });
    return modules;
  } catch (failure) {
    console.error(`Installing failed: ${failure instanceof Error ? failure.message : failure}`);
    return null;
  }
}
