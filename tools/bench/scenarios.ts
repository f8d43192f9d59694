/**
 * What is measured: six scenarios, in the order of the page. Each prepares people and tokens before
 * the measurement, so a window contains only the operation that it is about.
 */
import { eachPerson, type Load, type Person, signIn } from './load.ts';
import { clientCredentials, codeFlow, introspect, refresh, revoke, userinfo } from './requests.ts';

export interface Scenario {
  readonly title: string;
  /** One sentence for the page. */
  readonly about: string;
  /** Begins the names of its tables. */
  readonly prefix: string;
  /** Runs once, before the first window. */
  prepare(load: Load): Promise<void>;
  /** Runs before each window of so many milliseconds. */
  refill?(load: Load, milliseconds: number): Promise<void>;
  /** One operation; false when what it uses up is used up. It throws when the answer is wrong. */
  operate(load: Load, person: Person): Promise<boolean>;
}

/** Tokens that introspection and userinfo ask for in turn. */
const TOKENS = 64;
/** No server revokes more tokens in a millisecond. */
const REVOCATIONS_PER_MS = 4;

const nothing = async (): Promise<void> => {};

export const SCENARIOS: readonly Scenario[] = [
  {
    title: 'Code flow',
    about:
      'Authorization with PKCE, a session and remembered consent, then the exchange of the code. The tokens include an ID token (RS256).',
    prefix: 'code_',
    prepare: async (load) => await eachPerson(load, async (person) => await signIn(load, person)),
    async operate(load, person) {
      await codeFlow(load, person);
      return true;
    },
  },
  {
    title: 'Refresh',
    about: 'A refresh token is exchanged for new tokens and replaced by the next one.',
    prefix: 'refresh_',
    prepare: async (load) =>
      await eachPerson(load, async (person) => {
        await signIn(load, person);
        person.refreshToken = (await codeFlow(load, person)).refreshToken;
      }),
    async operate(load, person) {
      await refresh(load, person);
      return true;
    },
  },
  {
    title: 'Client credentials',
    about: 'A service gets an opaque access token.',
    prefix: 'credentials_',
    prepare: nothing,
    async operate(load, person) {
      await clientCredentials(load, person);
      return true;
    },
  },
  {
    title: 'Introspection',
    about: 'A service asks about an active opaque access token, without a hint about its type.',
    prefix: 'introspection_',
    prepare: async (load) => await mint(load, TOKENS),
    async operate(load, person) {
      await introspect(load, person, nextToken(load));
      return true;
    },
  },
  {
    title: 'Userinfo',
    about: 'An application asks for the claims of the person behind an access token.',
    prefix: 'userinfo_',
    prepare: async (load) =>
      await eachPerson(load, async (person) => {
        await signIn(load, person);
        load.tokens.push((await codeFlow(load, person)).accessToken);
      }),
    async operate(load, person) {
      await userinfo(load, person, nextToken(load));
      return true;
    },
  },
  {
    title: 'Revocation',
    about:
      'A service revokes an opaque access token. The tokens are issued before the measurement.',
    prefix: 'revocation_',
    prepare: nothing,
    refill: async (load, milliseconds) => await mint(load, milliseconds * REVOCATIONS_PER_MS),
    async operate(load, person) {
      const token = load.tokens.pop();
      if (token === undefined) return false;
      await revoke(load, person, token);
      return true;
    },
  },
];

/** Issues opaque access tokens until there are so many. */
async function mint(load: Load, wanted: number): Promise<void> {
  let missing = wanted - load.tokens.length;
  await Promise.all(
    load.people.map(async (person) => {
      while (missing > 0) {
        missing -= 1;
        load.tokens.push(await clientCredentials(load, person));
      }
    }),
  );
}

/** Takes the tokens in turn, so that no cache of one token helps. */
function nextToken({ tokens }: Load): string {
  const token = tokens.shift() ?? '';
  tokens.push(token);
  return token;
}
