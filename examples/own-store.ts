/**
 * A store of your own, part by part: here rate limits are counted in this process, and everything
 * else is in the store below. The contract suite holds the result to every law of `store.ts`, with
 * concurrent callers, before it serves anybody. Run it: `npx tsx examples/own-store.ts`
 */
import { createServer } from 'node:http';
import { createProvider, type Database, memoryDatabase, type Store } from 'valetkey';
import { nodeListener } from 'valetkey/node';
import { builtInPages } from 'valetkey/pages';
import { memoryAccounts, storeContract } from 'valetkey/testing';

interface Window {
  count: number;
  wrong: number;
  readonly resetAt: number;
  placedAt: number;
}

/** The same store with counters of this process. No method waits inside, so no two callers meet. */
function withProcessCounters(store: Store, windows: Map<string, Window>): Store {
  const openWindow = (key: string, seconds: number, now: number): Window => {
    const before = windows.get(key);
    if (before !== undefined && before.resetAt > now && before.resetAt <= now + 2 * seconds)
      return before;
    const window = { count: 0, wrong: 0, resetAt: now + seconds, placedAt: now };
    windows.set(key, window);
    return window;
  };
  return {
    ...store,
    counters: {
      async hit(key, windowSeconds, now) {
        const window = openWindow(key, windowSeconds, now);
        window.count += 1;
        return { count: window.count, resetAt: window.resetAt };
      },
      async place(key, { limit, seconds, life }, now) {
        const window = openWindow(key, seconds, now);
        if (Math.abs(now - window.placedAt) >= life) window.count = window.wrong;
        if (window.count >= limit) return { wrong: window.wrong, resetAt: window.resetAt };
        window.count += 1;
        window.placedAt = now;
        return null;
      },
      async settle(key, outcome) {
        const window = windows.get(key);
        if (window === undefined) return;
        const others = Math.max(window.count - window.wrong - 1, 0);
        if (outcome === 'wrong') window.wrong += 1;
        if (outcome === 'right') window.wrong = 0;
        window.count = window.wrong + others;
      },
      async forgive(key) {
        const window = windows.get(key);
        if (window === undefined) return;
        window.count -= window.wrong;
        window.wrong = 0;
      },
      async find(key) {
        const window = windows.get(key);
        return window === undefined ? null : { wrong: window.wrong, resetAt: window.resetAt };
      },
    },
    async clear(now, batch, auditFrom) {
      const over = [...windows].filter(([, { resetAt }]) => resetAt <= now).slice(0, batch);
      for (const [key] of over) windows.delete(key);
      return { ...(await store.clear(now, batch, auditFrom)), counters: over.length };
    },
  };
}

function ownDatabase(): Database {
  const below = memoryDatabase();
  const issuers = new Map<string, Map<string, Window>>();
  return {
    ephemeral: true,
    forIssuer(issuer) {
      const windows = issuers.get(issuer) ?? new Map<string, Window>();
      issuers.set(issuer, windows);
      return withProcessCounters(below.forIssuer(issuer), windows);
    },
  };
}

const laws = storeContract();
for (const [index, { run }] of laws.entries()) {
  const database = ownDatabase();
  await run(database.forIssuer(`https://issuer-${index}.example`), database);
}
console.log(`${laws.length} laws hold`);

const port = Number(process.env['PORT'] ?? 4000);
const provider = createProvider({
  issuer: `http://localhost:${port}`,
  store: ownDatabase(),
  accounts: memoryAccounts([{ sub: 'alice', username: 'alice', password: 'wonderland' }]),
  pages: builtInPages(),
  scopes: { read: 'Read your data' },
});
const { client, clientSecret } = await provider.clients.create({
  name: 'My application',
  grantTypes: ['client_credentials'],
});
createServer(nodeListener(provider)).listen(port, 'localhost', () => {
  console.log(`client_id ${client.clientId}\nclient_secret ${clientSecret}`);
});
