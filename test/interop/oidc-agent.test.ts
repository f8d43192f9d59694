/**
 * Debian's oidc-agent, which registers itself: a person signs in by the authorization code flow and
 * by the device flow, and the agent then gets access tokens with its refresh token.
 */
import { execFileSync, spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { type Program, stop, watched } from '../processes.ts';
import { services } from '../services.ts';
import { ALICE, openPage } from './provider.ts';
import { standalone } from './standalone.ts';

/** Runs programs of the agent, each with its socket. The agent ends with the test. */
function startAgent(): (name: string, ...args: readonly string[]) => Program {
  const folder = mkdtempSync(join(tmpdir(), 'valetkey-agent-'));
  const programs = dirname(services.oidcAgent ?? '');
  const env: Record<string, string> = {
    PATH: `${programs}:${process.env['PATH'] ?? ''}`,
    HOME: folder,
    OIDC_CONFIG_DIR: folder,
    OIDC_ENCRYPTION_PW: 'of this test alone',
  };
  // It prints what a shell would evaluate: the path of its socket, and its process id.
  const printed = execFileSync(services.oidcAgent ?? '', { env, encoding: 'utf8' });
  const value = (name: string): string => new RegExp(`${name}=([^;]+);`).exec(printed)?.[1] ?? '';
  env['OIDC_SOCK'] = value('OIDC_SOCK');
  onTestFinished(() => {
    process.kill(Number(value('OIDCD_PID')));
    rmSync(folder, { recursive: true });
  });
  return (name, ...args) => {
    // Its lines come at once, as on a terminal.
    const child = spawn('stdbuf', ['-oL', join(programs, name), ...args], {
      env,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    return watched(child);
  };
}

/** Resolves to the first match in what the program prints. */
async function printed(program: Program, pattern: RegExp): Promise<string> {
  return await new Promise((resolve, reject) => {
    const look = (): void => {
      const [found = null] = pattern.exec(program.output()) ?? [];
      if (found !== null) resolve(found);
    };
    look();
    program.child.stdout?.on('data', look);
    program.child.stderr?.on('data', look);
    void program.ended.then(() => reject(new Error(program.output())));
  });
}

describe.skipIf(services.chromium === null || services.oidcAgent === null)('oidc-agent', () => {
  it.each(['code', 'device'])(
    '[RFC7591 §3] registers itself, completes the %s flow, and renews its token',
    async (flow) => {
      const op = await standalone({
        VALETKEY_DYNAMIC_REGISTRATION_ENABLED: 'true',
        VALETKEY_DYNAMIC_REGISTRATION_ALLOW_OPEN_REGISTRATION: 'true',
      });
      onTestFinished(async () => await op.stop());
      const run = startAgent();
      const setup = run(
        'oidc-gen',
        `--iss=${op.issuer}`,
        `--flow=${flow}`,
        '--scope=openid email offline_access',
        '--pw-env',
        '--prompt=none',
        '--confirm-default',
        '--no-url-call',
        'printer',
      );
      onTestFinished(async () => void (await stop(setup)));
      const page = await openPage();

      await page.goto(
        await printed(setup, /http:\/\/localhost:\d+\/o\/(authorize\/\?\S+|device\/)/),
      );
      const login = async (): Promise<void> => {
        await page.fill('#username', ALICE.username);
        await page.fill('#password', ALICE.password);
        await page.click('#login-submit');
      };
      if (flow === 'device') {
        await page.fill('#user-code', await printed(setup, /\b[B-Z]{4}-[B-Z]{4}\b/));
        await page.keyboard.press('Enter');
        await login();
        await page.click('#device-allow');
        await page.waitForSelector('#device-allowed');
      } else {
        await login();
        expect(await page.textContent('#client-note')).toContain('registered itself');
        await page.click('#consent-allow');
        await page.waitForURL(/:\d+\/?\?.*code=/);
      }
      expect(await setup.ended, setup.output()).toBe(0);

      const token = async (): Promise<string> => {
        const asked = run('oidc-token', '--force-new', 'printer');
        expect(await asked.ended, asked.output()).toBe(0);
        return asked.output().trim();
      };
      const [first, second] = [await token(), await token()];
      expect(second).not.toBe(first);
      const answer = await fetch(`${op.issuer}/o/userinfo/`, {
        headers: { authorization: `Bearer ${second}` },
      });
      expect(await answer.json()).toMatchObject({ email: ALICE.email });
    },
  );
});
