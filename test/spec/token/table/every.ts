/** Makes a test of each rule, each grant and each kind of client where the rule holds. */
import { describe, it } from 'vitest';
import { KINDS } from './clients.ts';
import { GRANTS, makeCase } from './grants.ts';
import { isAllowed, type Rule } from './rule.ts';
import { RULES } from './rules.ts';

function placesOf({ holds = isAllowed }: Rule) {
  return GRANTS.flatMap((grant) =>
    KINDS.filter((kind) => holds(grant, kind)).map((kind) => ({ grant, kind })),
  );
}

export function tryEvery(area: keyof typeof RULES): void {
  for (const rule of RULES[area]) {
    describe(rule.title, () => {
      for (const { grant, kind } of placesOf(rule)) {
        it(`${grant.type} by ${kind.name}`, async () => {
          const one = await makeCase(grant, kind);
          await rule.check(one, await grant.make(one));
        });
      }
    });
  }
}
