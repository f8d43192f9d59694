/**
 * Password hashes, as PHC strings. New ones are made with Argon2id if `@node-rs/argon2` is
 * installed, else with the scrypt of Node; hashes of both kinds can be checked. Fewer hashes run at
 * once than Node has threads for such work, so that many sign-ins at once do not delay the signing
 * of tokens. The queue is no longer than can be answered in time. Password rules are in
 * `accounts.ts`.
 */
import { randomBytes, scrypt, timingSafeEqual } from 'node:crypto';
import { availableParallelism } from 'node:os';
import { StoreUnavailable } from 'valetkey';

/** Makes password hashes and checks passwords against them. */
export interface PasswordHasher {
  /**
   * The hash of a password, as a PHC string with a random salt.
   * @throws StoreUnavailable when too many calls are waiting
   */
  hash(password: string): Promise<string>;
  /**
   * True if the hash is of this password.
   * @throws StoreUnavailable when too many calls are waiting
   * @throws Error when the hash is Argon2id and `@node-rs/argon2` is not installed
   */
  verify(hash: string, password: string): Promise<boolean>;
  /** True if new hashes are made with other parameters. Replace such a hash at the next sign-in. */
  isOutdated(hash: string): boolean;
  /**
   * Milliseconds that the slowest `verify` of the last minutes took, without the time in the queue;
   * at most 1000.
   */
  slowest(): number;
}

/** The minimum that OWASP recommends: 19 MiB, two passes, one lane. */
const ARGON2 = { memoryCost: 19_456, timeCost: 2, parallelism: 1 } as const;
const ARGON2_PREFIX = '$argon2id$v=19$m=19456,t=2,p=1$';
const SCRYPT = { N: 2 ** 15, r: 8, p: 3 } as const;
const SCRYPT_PREFIX = '$scrypt$ln=15,r=8,p=3$';

/** Threads that Node has for such work unless UV_THREADPOOL_SIZE says otherwise. */
const THREADS = 4;
/** Most calls in the queue. Later ones fail with `StoreUnavailable`, so the client tries again. */
const MOST_WAITING = 200;
/** Milliseconds. It bounds `slowest`, so that one slow check does not delay all later failures. */
const LONGEST_WAIT = 1000;

interface Argon2 {
  hash(password: string, options: typeof ARGON2): Promise<string>;
  verify(hash: string, password: string): Promise<boolean>;
}

/** A hasher with Argon2id if `@node-rs/argon2` is installed, else with the scrypt of Node. */
export function createHasher(): PasswordHasher {
  const run = gate(mostAtOnce(availableParallelism(), process.env['UV_THREADPOOL_SIZE']));
  const slowest = createSlowest(() => performance.now());
  const timed = async (check: () => Promise<boolean>): Promise<boolean> =>
    await run(async () => {
      const began = performance.now();
      const right = await check();
      slowest.note(Math.min(performance.now() - began, LONGEST_WAIT));
      return right;
    });
  let loading: Promise<Argon2 | null> | null = null;
  let preferred = ARGON2_PREFIX;
  const argon2 = async (): Promise<Argon2 | null> => {
    loading ??= import('@node-rs/argon2').catch(() => {
      preferred = SCRYPT_PREFIX;
      return null;
    });
    return await loading;
  };
  return {
    async hash(password) {
      const library = await argon2();
      return await run(async () =>
        library === null
          ? await hashScrypt(password, randomBytes(16))
          : await library.hash(password, ARGON2),
      );
    },
    async verify(hash, password) {
      if (hash.startsWith('$scrypt$'))
        return await timed(async () => await verifyScrypt(hash, password));
      const library = await argon2();
      if (library === null)
        throw new Error(
          'This password hash is Argon2id, which needs a package: npm install @node-rs/argon2',
        );
      return await timed(async () => await library.verify(hash, password));
    },
    isOutdated: (hash) => !hash.startsWith(preferred),
    slowest: slowest.read,
  };
}

/** Milliseconds after which a slow check is forgotten: a burst makes all checks slow. */
const REMEMBERED = 60_000;

/** The slowest of the last minutes. @param now milliseconds on a clock that is never set */
export function createSlowest(now: () => number): {
  note(milliseconds: number): void;
  read(): number;
} {
  let begun = now();
  let [current, before] = [0, 0];
  const turn = (): void => {
    const age = now() - begun;
    if (age < REMEMBERED) return;
    [before, current, begun] = [age < 2 * REMEMBERED ? current : 0, 0, now()];
  };
  return {
    note(milliseconds) {
      turn();
      current = Math.max(current, milliseconds);
    },
    read() {
      turn();
      return Math.max(current, before);
    },
  };
}

async function hashScrypt(password: string, salt: Uint8Array): Promise<string> {
  const key = await derive(password, salt, SCRYPT);
  return `${SCRYPT_PREFIX}${Buffer.from(salt).toString('base64url')}$${key.toString('base64url')}`;
}

async function verifyScrypt(hash: string, password: string): Promise<boolean> {
  const match = /^\$scrypt\$ln=(\d+),r=(\d+),p=(\d+)\$([\w-]+)\$([\w-]+)$/.exec(hash);
  if (match === null) return false;
  const [, ln, r, p, salt = '', key = ''] = match;
  const expected = Buffer.from(key, 'base64url');
  const actual = await derive(password, Buffer.from(salt, 'base64url'), {
    N: 2 ** Number(ln),
    r: Number(r),
    p: Number(p),
  });
  return expected.length === actual.length && timingSafeEqual(expected, actual);
}

async function derive(
  password: string,
  salt: Uint8Array,
  cost: { readonly N: number; readonly r: number; readonly p: number },
): Promise<Buffer> {
  return await new Promise((resolve, reject) => {
    scrypt(password, salt, 32, { ...cost, maxmem: 256 * cost.N * cost.r }, (error, key) =>
      error === null ? resolve(key) : reject(error),
    );
  });
}

/** One thread stays free for signatures, and one core for everything else. */
export function mostAtOnce(cores: number, threads: string | undefined): number {
  return Math.max(1, Math.min(cores, Number(threads) || THREADS) - 1);
}

/** Runs at most `most` calls at once. The others wait in a queue, first come, first served. */
function gate(most: number): <T>(work: () => Promise<T>) => Promise<T> {
  let running = 0;
  const waiting: (() => void)[] = [];
  return async (work) => {
    if (waiting.length >= MOST_WAITING)
      throw new StoreUnavailable('Too many sign-ins are waiting for a password check.');
    if (running < most) running += 1;
    else await new Promise<void>((resolve) => waiting.push(resolve));
    try {
      return await work();
    } finally {
      // Hand the place over, so that no call that arrives in between takes it too.
      const next = waiting.shift();
      if (next === undefined) running -= 1;
      else next();
    }
  };
}
