/** Calls that share a statement: who goes together, and what one failure does to others. */
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { shared } from '../../src/sql/sharing.ts';

/** A statement that answers when it is told to. */
function held(): {
  readonly sent: (readonly number[])[];
  readonly call: (item: number) => Promise<number>;
  answer(index: number, error?: Error): void;
} {
  const sent: (readonly number[])[] = [];
  const open: ((error?: Error) => void)[] = [];
  const call = shared<number, number>(
    async (items) =>
      await new Promise((resolve, reject) => {
        sent.push(items);
        open.push((error) =>
          error === undefined ? resolve(items.map((item) => item * 2)) : reject(error),
        );
      }),
  );
  return { sent, call, answer: (index, error) => open[index]?.(error) };
}

describe('shared calls', () => {
  it('leave at once when nothing is under way, and together when something is', async () => {
    const { sent, call, answer } = held();
    const calls = [1, 2, 3, 4].map(call);
    expect(sent).toEqual([[1]]);
    answer(0);
    expect(await calls[0]).toBe(2);
    expect(sent).toEqual([[1], [2, 3, 4]]);
    answer(1);
    expect(await Promise.all(calls)).toEqual([2, 4, 6, 8]);
  });
  it('never join a statement that was sent', async () => {
    const { sent, call, answer } = held();
    const first = call(1);
    const second = call(1);
    answer(0);
    await first;
    answer(1);
    expect([await second, sent]).toEqual([2, [[1], [1]]]);
  });
  it('do not wait for a statement that hangs', async () => {
    const { sent, call, answer } = held();
    const hangs = call(1);
    const others = [2, 3].map(call);
    for (let waited = 0; sent.length < 2 && waited < 5000; waited += 10) await sleep(10);
    answer(1);
    expect([await Promise.all(others), sent]).toEqual([
      [4, 6],
      [[1], [2, 3]],
    ]);
    answer(0);
    expect(await hangs).toBe(2);
  });
  it('fail with their own statement only, and the next ones go on', async () => {
    const { call, answer } = held();
    const [first, second, third] = [1, 2, 3].map(async (item) => await call(item).catch(String));
    answer(0, new Error('lost'));
    expect(await first).toBe('Error: lost');
    answer(1);
    expect([await second, await third]).toEqual([4, 6]);
  });
  it('are at most 200 in one statement', async () => {
    const { sent, call, answer } = held();
    const calls = Array.from({ length: 450 }, (_, index) => call(index));
    for (let index = 0; index < 5; index += 1) {
      answer(index);
      await sleep(0);
    }
    await Promise.all(calls);
    expect(Math.max(...sent.map(({ length }) => length))).toBe(200);
    expect(sent.flat()).toHaveLength(450);
  });
});
