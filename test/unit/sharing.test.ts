/** Calls that travel together: who goes with whom, and what one failure does to others. */
import { setTimeout as sleep, setImmediate as turn } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { shared } from '../../src/sql/sharing.ts';

/** A statement that answers when it is told to. */
function held(limits: { readonly most?: number; readonly atOnce?: number } = {}): {
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
          error === undefined
            ? resolve(
                items.map(async (item) => {
                  if (item < 0) throw new Error(`no ${item}`);
                  return item * 2;
                }),
              )
            : reject(error),
        );
      }),
    { most: 200, atOnce: 1, ...limits },
  );
  return { sent, call, answer: (index, error) => open[index]?.(error) };
}

describe('shared calls', () => {
  it('of one turn leave together', async () => {
    const { sent, call, answer } = held();
    const calls = [1, 2, 3].map(call);
    expect(sent).toEqual([]);
    await turn();
    expect(sent).toEqual([[1, 2, 3]]);
    answer(0);
    expect(await Promise.all(calls)).toEqual([2, 4, 6]);
  });
  it('never join others that were sent: they leave together when those are back', async () => {
    const { sent, call, answer } = held();
    const first = call(1);
    await turn();
    const others = [1, 2].map(call);
    await turn();
    expect(sent).toEqual([[1]]);
    answer(0);
    await first;
    await turn();
    answer(1);
    expect([await Promise.all(others), sent]).toEqual([
      [2, 4],
      [[1], [1, 2]],
    ]);
  });
  it('do not wait while fewer groups are under way than may be', async () => {
    const { sent, call } = held({ atOnce: 2 });
    for (const item of [1, 2, 3]) {
      void call(item);
      await turn();
    }
    expect(sent).toEqual([[1], [2]]);
  });
  it('do not wait for a group that hangs', async () => {
    const { sent, call, answer } = held();
    const hangs = call(1);
    await turn();
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
  it('fail with their own group only, and the next ones go on', async () => {
    const { call, answer } = held();
    const first = call(1).catch(String);
    await turn();
    const others = [2, 3].map(call);
    answer(0, new Error('lost'));
    expect(await first).toBe('Error: lost');
    await turn();
    answer(1);
    expect(await Promise.all(others)).toEqual([4, 6]);
  });
  it('fail alone where only their own outcome is an error', async () => {
    const { call, answer } = held();
    const calls = [1, -1, 3].map(async (item) => await call(item).catch(String));
    await turn();
    answer(0);
    expect(await Promise.all(calls)).toEqual([2, 'Error: no -1', 6]);
  });
  it('are at most so many in one group', async () => {
    const { sent, call, answer } = held();
    const calls = Array.from({ length: 450 }, async (_, index) => await call(index));
    for (let index = 0; index < 3; index += 1) {
      while (sent.length <= index) await turn();
      answer(index);
    }
    await Promise.all(calls);
    expect(sent.map(({ length }) => length)).toEqual([200, 200, 50]);
  });
});
