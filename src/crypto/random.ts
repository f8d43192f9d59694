/**
 * Random bytes of the system, drawn in large pieces: drawing 32 bytes costs nearly as much as
 * drawing thousands. A piece is never handed out twice.
 */
import { randomBytes } from 'node:crypto';
import type { Random } from './handles.ts';

const POOL = 8192;
/** Larger requests are drawn for themselves. */
const LARGEST_SHARE = 256;

/** A source of random bytes with a pool of its own. */
export function pooledRandom(): Random {
  let pool = Buffer.alloc(0);
  let used = 0;
  return (size) => {
    if (size > LARGEST_SHARE) return randomBytes(size);
    if (used + size > pool.length) {
      // A new buffer, for pieces of the old one may still be in use.
      pool = randomBytes(POOL);
      used = 0;
    }
    used += size;
    return pool.subarray(used - size, used);
  };
}
