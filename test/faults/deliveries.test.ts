/**
 * Back-channel logout to a thousand applications, of which a third never answers. The user waits
 * for none, and the living are told within seconds. A server that is killed in the middle loses
 * none.
 */
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { assemble, readSettings } from 'valetkey/server';
import { type ScriptedBrowser, scriptedBrowser } from 'valetkey/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { DATABASES } from '../databases.ts';
import { type Cluster, makeCluster, obtainCode } from './cluster.ts';

const APPLICATIONS = 1000;
const isDead = (index: number): boolean => index % 3 === 0;
const LIVING = Array.from({ length: APPLICATIONS }, (_, index) => index).filter(
  (index) => !isDead(index),
);
/** Seconds in which the living are told, on a machine three times as busy as one that is idle. */
const SOON = 15;
/** Seconds after which a delivery of a killed server is taken again: its lease and a look. */
const TAKEN_AGAIN = 60;

describe.each(DATABASES)('$name', (kind) => {
  describe.skipIf(kind.missing)(`${APPLICATIONS} applications, a third of them dead`, () => {
    let cluster: Cluster;
    let parties: Server;
    let heard: Map<number, number>;
    beforeAll(async () => {
      parties = createServer((request, response) => {
        const index = Number((request.url ?? '').slice(1));
        request.resume();
        heard.set(index, (heard.get(index) ?? 0) + 1);
        if (!isDead(index)) response.end();
      });
      await new Promise<void>((resolve) => parties.listen(0, '127.0.0.1', resolve));
      const origin = `http://127.0.0.1:${(parties.address() as AddressInfo).port}`;
      cluster = await makeCluster(kind, 1, { VALETKEY_ALLOW_OUTBOUND: origin });
      await cluster.start();
      await withProvider(async ({ clients }) => {
        for (let index = 0; index < APPLICATIONS; index += 1)
          await clients.create(
            {
              name: `application ${index}`,
              redirectUris: ['https://rp.example/cb'],
              tokenEndpointAuthMethod: 'none',
              fields: { backchannel_logout_uri: `${origin}/${index}` },
            },
            { clientId: `application-${index}` },
          );
      });
    }, 240_000);
    afterAll(async () => {
      await cluster.end('SIGKILL');
      await cluster.remove();
      parties.closeAllConnections();
      parties.close();
    });

    type Assembly = Awaited<ReturnType<typeof assemble>>;
    async function withProvider<T>(
      work: (provider: Assembly['provider'], accounts: Assembly['accounts']) => Promise<T>,
    ): Promise<T> {
      const env = { ...cluster.env, PORT: '4000' };
      const assembly = await assemble(await readSettings({ env }));
      try {
        return await work(assembly.provider, assembly.accounts);
      } finally {
        await assembly.close();
      }
    }

    /** A browser that is signed in, in a session in which all applications take part. */
    async function signedIn(): Promise<ScriptedBrowser> {
      heard = new Map();
      const browser = scriptedBrowser(fetch, (url) => url.origin === cluster.issuer);
      await obtainCode(browser, cluster.issuer, cluster.clientId);
      await withProvider(async ({ store }, { findByUsername }) => {
        const alice = await findByUsername('alice');
        for (const session of await store.sessions.listBySubject(alice?.sub ?? ''))
          for (let index = 0; index < APPLICATIONS; index += 1)
            await store.sessions.join(session, `application-${index}`, true);
      });
      return browser;
    }

    async function signOut(browser: ScriptedBrowser): Promise<number> {
      const page = await browser.open(`${cluster.issuer}/o/logout/`);
      const began = performance.now();
      const done = await browser.submit(page, { decision: 'logout' });
      expect(done.html).toContain('id="signed-out"');
      return performance.now() - began;
    }

    const untold = (): number => LIVING.filter((index) => !heard.has(index)).length;
    async function untilTold(seconds: number): Promise<number> {
      const began = performance.now();
      while (untold() > 0 && performance.now() - began < seconds * 1000) await sleep(50);
      return (performance.now() - began) / 1000;
    }

    it('LO-05 the user waits for none, and the living are told at once', async () => {
      const waited = await signOut(await signedIn());
      const seconds = await untilTold(SOON);
      console.log(
        `${kind.name}: the user waited ${Math.round(waited)} ms, the living ${seconds} s`,
      );
      expect(untold()).toBe(0);
      expect(waited).toBeLessThan(3000);
      await sleep(7000);
      const next = await withProvider(async ({ store }) => await store.deliveries.nextDue());
      expect(next).not.toBeNull();
    }, 120_000);

    it('LO-05 a server that is killed in the middle loses none', async () => {
      await signOut(await signedIn());
      while (heard.size < 100) await sleep(1);
      await cluster.end('SIGKILL');
      const before = untold();
      await cluster.start();
      await untilTold(TAKEN_AGAIN);
      console.log(`${kind.name}: ${before} of ${LIVING.length} were not told when it was killed`);
      expect(untold()).toBe(0);
    }, 180_000);
  });
});
