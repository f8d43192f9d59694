/**
 * The audit log behind the requests: in batches, at once where it is an act, and never in the way
 * of an answer.
 */
import { randomBytes } from 'node:crypto';
import { type AuditEvent, defineEvent, subjectRevoked } from 'valetkey';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import { createEvents, type EventLog, type Events } from '../../src/domain/events.ts';

interface Book {
  readonly events: Events;
  readonly log: EventLog;
  readonly appended: AuditEvent[][];
  readonly lost: unknown[];
  readonly heard: AuditEvent[];
  append: (events: readonly AuditEvent[]) => Promise<void>;
}

const noted = defineEvent({
  name: 'something.noted',
  description: 'Somebody noted something.',
  sub: 'sometimes',
});

let book: Book;
beforeEach(() => {
  const appended: AuditEvent[][] = [];
  const lost: unknown[] = [];
  const heard: AuditEvent[] = [];
  const made: { append: Book['append'] } = {
    append: async (events) => void appended.push([...events]),
  };
  const silent = (): void => undefined;
  const log = createEvents({
    audit: { append: async (lines) => await made.append(lines), list: async () => [] },
    clock: () => 1000,
    random: (size) => randomBytes(size),
    logger: {
      info: silent,
      warn: silent,
      error: (fields) => void lost.push((fields as { lost?: unknown }).lost),
    },
    listener: (event) => void heard.push(event),
    names: [noted.name, subjectRevoked.name],
  });
  const events = log.forRequest({ address: '192.0.2.7', requestId: 'r1' });
  book = Object.assign(made, { log, events, appended, lost, heard });
});
const tell = async (count: number): Promise<void> => {
  for (let index = 0; index < count; index += 1) book.events.record(noted, { sub: String(index) });
  await Promise.resolve();
  await Promise.resolve();
};
const sizes = (): number[] => book.appended.map(({ length }) => length);

describe('events', () => {
  it('ST-05 wait for company: 200 lines make a batch, the rest is written by flush', async () => {
    await tell(450);
    expect(sizes()).toEqual([200, 200]);
    await book.log.flush();
    await book.log.flush();
    expect([sizes(), book.appended.flat().map(({ sub }) => Number(sub))]).toEqual([
      [200, 200, 50],
      Array.from({ length: 450 }, (_, i) => i),
    ]);
  });
  it('ST-05 wait a second at most', async () => {
    vi.useFakeTimers();
    try {
      await tell(1);
      await vi.advanceTimersByTimeAsync(999);
      expect(sizes()).toEqual([]);
      await vi.advanceTimersByTimeAsync(1);
      expect(sizes()).toEqual([1]);
    } finally {
      vi.useRealTimers();
    }
  });
  it('carry address and id of their request, and no name that nobody declared', async () => {
    book.events.record(noted, {});
    book.log.forRequest(null).notify(noted, {});
    expect(book.heard.map(({ ip, requestId }) => [ip, requestId])).toEqual([
      ['192.0.2.7', 'r1'],
      [null, null],
    ]);
    const other = defineEvent({ name: 'something.else', description: 'Nobody declares it.' });
    expect(() => book.events.record(other, {})).toThrow(
      'No feature declares the event something.else.',
    );
  });
  it('ST-05 an act hands its row to whoever performs it, and the listener hears of it if it happened', async () => {
    await tell(3);
    const heard = book.heard.length;
    const rows: AuditEvent[] = [];
    const perform = async (row: AuditEvent, result: number): Promise<number> => {
      rows.push(row);
      return result;
    };
    const act = async (result: number): Promise<number> =>
      await book.events.act(subjectRevoked, { sub: 'a' }, (row) => perform(row, result));
    expect([await act(0), await act(1)]).toEqual([0, 1]);
    expect(book.heard.slice(heard)).toEqual([rows[1]]);
    const failing = book.events.act(noted, {}, async () => Promise.reject(new Error('down')));
    await expect(failing).rejects.toThrow('down');
    expect([sizes(), book.heard.length]).toEqual([[], heard + 1]);
  });
  it('ST-05 under a slow store only so many lines wait: the oldest give way, one batch at a time is under way, and that is told', async () => {
    const { append } = book;
    let handed = 0;
    let goOn = (): void => undefined;
    book.append = async (events) => {
      handed += events.length;
      await new Promise<void>((resolve) => {
        goOn = resolve;
      });
    };
    await tell(50_000);
    expect(handed).toBe(200);
    book.append = append;
    goOn();
    await book.log.flush();
    const kept = book.appended.flat().map(({ sub }) => Number(sub));
    expect([kept.length, kept[0], kept.at(-1), book.lost]).toEqual([
      10_000,
      40_000,
      49_999,
      [39_800],
    ]);
    await tell(200);
    await book.log.flush();
    expect(book.appended.flat()).toHaveLength(10_200);
  });
  it('ST-05 a log that cannot be written costs nobody an answer, says how many lines are gone, and takes the next', async () => {
    const { append } = book;
    book.append = async () => {
      throw new Error('disk full');
    };
    await tell(200);
    book.append = append;
    await tell(1);
    await book.log.flush();
    expect([[...book.lost].sort(), sizes()]).toEqual([[200], [1]]);
  });
});
