/**
 * When keys are made, take over, retire and go: pure decisions over the stored set. Who
 * applies them, and under which law, is in `signing-keys.ts`.
 */
import type { KeyAlg } from '../protocol/names.ts';
import type { Seconds, StoredKey } from '../store/records.ts';
import type { KeySchedule } from './settings.ts';

/** The schedule of all keys: those that sign, and those that decrypt. */
export type KeyTimes = Omit<KeySchedule, 'algs'> & { readonly algs: readonly KeyAlg[] };

/** A key to be made. */
export interface KeyWish {
  readonly alg: KeyAlg;
  readonly activeAt: Seconds;
}

/** What a set of keys becomes: those kept, as they then are, and those to be made. */
export interface KeyPlan {
  readonly keep: readonly StoredKey[];
  readonly make: readonly KeyWish[];
}

function retire(key: StoredKey, at: Seconds, schedule: KeyTimes): StoredKey {
  if (key.retiredAt !== null && key.retiredAt <= at) return key;
  return { ...key, retiredAt: at, removedAt: at + schedule.keepAfter };
}

/** What is due: keys of an algorithm that has none, successors of keys near their end, removals. */
export function dueKeys(keys: readonly StoredKey[], schedule: KeyTimes, now: Seconds): KeyPlan {
  let keep = keys.filter((key) => key.removedAt === null || key.removedAt > now);
  // The first keys of all sign at once. That of an algorithm which is offered later is published
  // first, as a successor is: verifiers may have the key set in their caches.
  const first = keep.length === 0 ? now : now + schedule.publishBefore;
  const make: KeyWish[] = [];
  for (const alg of schedule.algs) {
    const ofAlg = keep.filter((key) => key.alg === alg);
    const [newest] = ofAlg.sort((a, b) => b.activeAt - a.activeAt);
    if (newest === undefined) {
      make.push({ alg, activeAt: first });
      continue;
    }
    const due = newest.activeAt + schedule.rotateEvery;
    if (due - schedule.publishBefore > now) continue;
    const activeAt = now + schedule.publishBefore;
    make.push({ alg, activeAt });
    keep = keep.map((key) => (key.alg === alg ? retire(key, activeAt, schedule) : key));
  }
  return { keep, make };
}

/**
 * When the new keys of a rotation take over: after the caches of verifiers; now, while the old ones
 * stay published; or now, and the old ones are removed at once.
 */
export type RotationKind = 'scheduled' | 'immediate' | 'emergency';

/** A rotation that somebody asked for. */
export function rotatedKeys(
  keys: readonly StoredKey[],
  schedule: KeyTimes,
  now: Seconds,
  kind: RotationKind,
): KeyPlan {
  const isScheduled = kind === 'scheduled';
  const activeAt = isScheduled ? now + schedule.publishBefore : now;
  const hasSuccessor = (alg: KeyAlg): boolean =>
    keys.some((key) => key.alg === alg && key.activeAt > now);
  const algs = schedule.algs.filter((alg) => !isScheduled || !hasSuccessor(alg));
  const make = algs.map((alg) => ({ alg, activeAt }));
  if (kind === 'emergency') return { keep: [], make };
  const keep = keys.map((key) =>
    algs.includes(key.alg as KeyAlg) ? retire(key, activeAt, schedule) : key,
  );
  return { keep, make };
}
