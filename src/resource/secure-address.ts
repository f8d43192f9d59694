/** Addresses to which tokens and secrets may go: https, and http on this computer. */
import { ConfigError } from 'valetkey';

const LOOPBACK = ['localhost', '127.0.0.1', '[::1]'];

/** True for https, and for http on this computer. */
export function isSecure(url: string): boolean {
  if (!URL.canParse(url)) return false;
  const { protocol, hostname } = new URL(url);
  return protocol === 'https:' || (protocol === 'http:' && LOOPBACK.includes(hostname));
}

/** @throws ConfigError when an option is no https address */
export function requireSecure(option: string, url: string): void {
  if (isSecure(url)) return;
  throw new ConfigError([
    {
      option,
      problem: 'must be an https address.',
      remedy: 'Write it like https://id.example.com; http is for localhost.',
    },
  ]);
}
