/**
 * Calls of one kind share statements: those that arrive while one is under way leave together. A
 * call never joins a statement that was already sent, so it sees everything that was written before
 * it began.
 */

/** Most calls of one statement. */
const MOST = 200;
/** Milliseconds after which the next statement leaves, even if the one before hangs. */
const LONGEST_WAIT = 20;

interface Waiting<T, R> {
  readonly item: T;
  readonly resolve: (result: R) => void;
  readonly reject: (error: unknown) => void;
}

/**
 * @param perform does what several callers want, and resolves to the result of each, in their
 * order. When it fails, all of them fail.
 */
export function shared<T, R>(
  perform: (items: readonly T[]) => Promise<readonly R[]>,
): (item: T) => Promise<R> {
  let waiting: Waiting<T, R>[] = [];
  let underWay = 0;
  let timer: NodeJS.Timeout | null = null;

  const send = async (): Promise<void> => {
    if (timer !== null) clearTimeout(timer);
    timer = null;
    const batch = waiting.slice(0, MOST);
    waiting = waiting.slice(MOST);
    if (waiting.length > 0) timer = setTimeout(() => void send(), LONGEST_WAIT);
    underWay += 1;
    try {
      const results = await perform(batch.map(({ item }) => item));
      for (const [index, { resolve }] of batch.entries()) resolve(results[index] as R);
    } catch (error) {
      for (const { reject } of batch) reject(error);
    } finally {
      underWay -= 1;
      if (waiting.length > 0 && underWay === 0) void send();
    }
  };

  return (item) =>
    new Promise((resolve, reject) => {
      waiting.push({ item, resolve, reject });
      if (underWay === 0 || waiting.length >= MOST) void send();
      else timer ??= setTimeout(() => void send(), LONGEST_WAIT);
    });
}
