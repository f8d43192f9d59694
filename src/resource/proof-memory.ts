/** Which DPoP proofs were used (RFC 9449 §11.1): the port, and a memory for one process. */

/** Remembers which proofs were used. Of any number of calls for one proof one gets false. */
export interface ProofMemory {
  /**
   * True when this proof was used before; false remembers it.
   * @param digest names the proof, 43 characters
   * @param expiresAt until then it has to be remembered, in seconds since 1970
   */
  used(digest: string, expiresAt: number): boolean | Promise<boolean>;
}

/** Proofs that a request has used itself. */
const own = new WeakMap<object, Set<string>>();

/**
 * The memory as one request asks it: it may be judged several times, for a router and for a route
 * in it, and does not fail by its own proof.
 * @param request as the framework has it, the same each time
 */
export function memoryFor(request: object, proofs: ProofMemory): ProofMemory {
  return {
    async used(digest, expiresAt) {
      const known = own.get(request) ?? new Set();
      if (known.has(digest)) return false;
      if (await proofs.used(digest, expiresAt)) return true;
      own.set(request, known.add(digest));
      return false;
    },
  };
}

/** About 30 MB; more than two thousand requests in each second. */
const MOST = 200_000;

/**
 * A memory for one process. When it is full it throws rather than forgets.
 * @param now the clock, in seconds
 * @param most proofs that it remembers
 */
export function proofMemory(now: () => number, most: number = MOST): ProofMemory {
  const known = new Map<string, number>();
  return {
    used(digest, expiresAt) {
      const time = now();
      // The first ones end first, but for the seconds by which clocks of clients differ.
      for (const [one, end] of known) {
        if (end > time) break;
        known.delete(one);
      }
      if ((known.get(digest) ?? 0) > time) return true;
      if (known.size >= most) throw new Error('The memory of used DPoP proofs is full.');
      // At the end again, where it was there before and has ended.
      known.delete(digest);
      known.set(digest, expiresAt);
      return false;
    },
  };
}
