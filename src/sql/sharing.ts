/**
 * Calls that travel together: those that arrive in one turn of the event loop, and those that
 * arrive while earlier ones are under way. A call never joins others that were already sent, so it
 * sees everything that was written before it began.
 */

/** Milliseconds after which the next calls leave, even if those before hang. */
const LONGEST_WAIT = 20;

interface Waiting<T, R> {
  readonly item: T;
  readonly resolve: (result: R | Promise<R>) => void;
  readonly reject: (error: unknown) => void;
}

export interface SharingLimits {
  /** Most calls that travel together. */
  readonly most: number;
  /** How many groups may be under way before calls wait. */
  readonly atOnce: number;
}

/**
 * @param perform does what several callers want, and resolves to the result of each, in their
 * order. A result may be a promise, where a call goes on alone. When `perform` rejects, all of them
 * fail.
 */
export function shared<T, R>(
  perform: (items: readonly T[]) => Promise<readonly (R | Promise<R>)[]>,
  { most, atOnce }: SharingLimits,
): (item: T) => Promise<R> {
  let waiting: Waiting<T, R>[] = [];
  let underWay = 0;
  let isScheduled = false;
  let timer: NodeJS.Timeout | null = null;

  const send = async (): Promise<void> => {
    isScheduled = false;
    if (timer !== null) clearTimeout(timer);
    timer = null;
    const group = waiting.slice(0, most);
    waiting = waiting.slice(most);
    if (group.length === 0) return;
    underWay += 1;
    if (waiting.length > 0) schedule();
    try {
      const results = await perform(group.map(({ item }) => item));
      for (const [index, { resolve }] of group.entries()) resolve(results[index] as R | Promise<R>);
    } catch (error) {
      for (const { reject } of group) reject(error);
    } finally {
      underWay -= 1;
      if (waiting.length > 0) schedule();
    }
  };

  const schedule = (): void => {
    if (isScheduled) return;
    if (underWay < atOnce || waiting.length >= most) {
      isScheduled = true;
      setImmediate(() => void send());
    } else timer ??= setTimeout(() => void send(), LONGEST_WAIT);
  };

  return (item) =>
    new Promise((resolve, reject) => {
      waiting.push({ item, resolve, reject });
      schedule();
    });
}
