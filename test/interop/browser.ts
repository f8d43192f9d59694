/** Starts a real browser for tests: Debian's Chromium, without its own background requests. */
import { type Browser, chromium } from 'playwright-core';
import { services } from '../services.ts';

export const ARGUMENTS: readonly string[] = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

export async function launch(): Promise<Browser> {
  return await chromium.launch({
    executablePath: services.chromium ?? '',
    args: [...ARGUMENTS],
  });
}
