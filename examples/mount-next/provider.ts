/** The provider of a Next.js application: one for the process, whichever route is asked first. */
import type { Provider } from 'valetkey';
import { announce, makeProvider } from '../mount-provider.ts';

async function open(): Promise<Provider> {
  // Next.js redirects addresses that end with a slash, so ours must not.
  const provider = makeProvider({ trailingSlash: false });
  await announce(provider);
  return provider;
}

/** Next.js may load this module once for each route, and again after each change of a file. */
const kept = globalThis as { valetkey?: Promise<Provider> };

/** Made by the first request, because `next build` loads routes too, without database or secret. */
export async function openProvider(): Promise<Provider> {
  kept.valetkey ??= open();
  return await kept.valetkey;
}
