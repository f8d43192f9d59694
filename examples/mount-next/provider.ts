/** The provider of a Next.js application: one for the process, whichever route is loaded first. */
import type { Provider } from 'valetkey';
import { announce, makeProvider } from '../mount-provider.ts';

const kept = globalThis as { valetkey?: Provider };

async function open(): Promise<Provider> {
  // Next.js redirects addresses that end with a slash, so ours must not.
  const provider = makeProvider({ trailingSlash: false });
  kept.valetkey = provider;
  await announce(provider);
  return provider;
}

/** Next.js may load this module once for each route, and again after each change of a file. */
export const provider: Provider = kept.valetkey ?? (await open());
