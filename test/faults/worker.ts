/** One process of many that do the same thing to one database at once. Arguments: what, database URL, schema, issuer, and a JSON of facts. */
import { sqlDatabase } from 'valetkey/sql';
import { sample } from 'valetkey/testing';

const [, , task = '', url = '', schema = '', issuer = '', facts = '{}'] = process.argv;
const NOW = 1_800_000_000;
const given = JSON.parse(facts) as Record<string, never>;
const database = sqlDatabase({ url, ...(schema === '' ? {} : { schema }) });
const store = database.forIssuer(issuer);

/** Everybody starts at the same moment. */
const at = Number(process.env['START_AT'] ?? 0);
const parallel = Number(process.env['PARALLEL'] ?? 1);
await store.clients.find('warm up').catch(() => undefined);
await new Promise((resolve) => setTimeout(resolve, Math.max(0, at - Date.now())));

const outcomes = await Promise.all(
  Array.from({ length: parallel }, async (): Promise<string> => {
    try {
      return await attempt();
    } catch (error) {
      return `error: ${error instanceof Error ? `${error.name} ${error.message} ${String((error as { cause?: unknown }).cause)}` : String(error)}`;
    }
  }),
);
console.log(JSON.stringify(outcomes));
await database.close();

async function attempt(): Promise<string> {
  switch (task) {
    case 'redeem': {
      const family = sample.family(given['facts'] as never, given['authorizationId'] as never);
      return await store.tokens.redeem(
        given['code'] as never,
        family,
        sample.issue(given['facts'] as never, family.id, given['authorizationId'] as never),
        NOW,
      );
    }
    case 'rotate': {
      const { familyId, presented } = given as unknown as { familyId: string; presented: string };
      const fresh = sample.family(given['facts'] as never, '').refreshDigest ?? '';
      const wish = { familyId, presented, refreshDigest: fresh, refreshExpiresAt: NOW + 100, sealedSuccessor: 's' };
      return await store.tokens.rotate(wish, sample.issue(given['facts'] as never, familyId, given['authorizationId'] as never), NOW);
    }
    case 'migrate':
      return String((await database.migrate()).length);
    case 'swap':
      return String(await store.keys.swap(0, []));
    default:
      throw new Error(`unknown task ${task}`);
  }
}
