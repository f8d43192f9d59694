/**
 * Writes ordinary audit rows in batches, off the hot path. One batch is under way at a time, so
 * that a slow store bounds what waits; above the bound the oldest rows are dropped, and that is
 * logged.
 */
import type { AuditEvent } from '../store/records.ts';
import type { AuditStore } from '../store/store.ts';
import type { Logger } from './settings.ts';

const BATCH = 200;
const MOST_WAITING = 10_000;
const FLUSH_MILLISECONDS = 1000;

export interface AuditWriter {
  /** Keeps a row until a batch is written. Never throws. */
  keep(event: AuditEvent): void;
  /** Writes what waits. */
  flush(): Promise<void>;
}

export function createAuditWriter(audit: AuditStore, logger: Logger): AuditWriter {
  const queue = createQueue(logger);
  let timer: ReturnType<typeof setTimeout> | null = null;
  /** The one writer; null while nothing is written. */
  let writing: Promise<void> | null = null;

  const wait = (): void => {
    timer ??= setTimeout(() => void flush(), FLUSH_MILLISECONDS);
    timer.unref?.();
  };
  /** Writes this many rows, and full batches for as long as there are any. */
  const drain = async (rows: number): Promise<void> => {
    let left = rows;
    while (queue.size() > 0 && (left > 0 || queue.size() >= BATCH)) {
      const batch = queue.take(BATCH);
      left -= batch.length;
      await append(audit, logger, batch);
    }
    writing = null;
    queue.tellLost();
    if (queue.size() > 0) wait();
  };
  const flush = async (): Promise<void> => {
    if (timer !== null) clearTimeout(timer);
    timer = null;
    while (writing !== null) await writing;
    if (queue.size() === 0) return;
    writing = drain(queue.size());
    await writing;
  };
  return {
    keep(event) {
      queue.put(event);
      if (writing !== null) return;
      if (queue.size() >= BATCH) writing = drain(BATCH);
      else wait();
    },
    flush,
  };
}

async function append(
  audit: AuditStore,
  logger: Logger,
  events: readonly AuditEvent[],
): Promise<void> {
  try {
    await audit.append(events);
  } catch (error) {
    // An audit log that cannot be written must not end the request; operators learn it here.
    logger.error({ error, lost: events.length }, 'audit events could not be written');
  }
}

interface Queue {
  put(event: AuditEvent): void;
  take(count: number): readonly AuditEvent[];
  size(): number;
  /** Logs how many rows were dropped since it was last asked. */
  tellLost(): void;
}

function createQueue(logger: Logger): Queue {
  let waiting: AuditEvent[] = [];
  let dropped = 0;
  return {
    put(event) {
      if (waiting.length >= MOST_WAITING) {
        waiting.shift();
        dropped += 1;
      }
      waiting.push(event);
    },
    take(count) {
      const taken = waiting.slice(0, count);
      waiting = waiting.slice(count);
      return taken;
    },
    size: () => waiting.length,
    tellLost() {
      if (dropped > 0) logger.error({ lost: dropped }, 'audit events gave way to newer ones');
      dropped = 0;
    },
  };
}
