/** Random bytes from a pool: never the same piece twice, whatever the sizes. */
import { describe, expect, it } from 'vitest';
import { pooledRandom } from '../../src/crypto/random.ts';

describe('pooledRandom', () => {
  it('hands out no piece twice, and keeps what it handed out', () => {
    const random = pooledRandom();
    const pieces: { readonly bytes: Uint8Array; readonly text: string }[] = [];
    for (let index = 0; index < 3000; index += 1) {
      const bytes = random([16, 32, 12, 256, 257][index % 5] ?? 16);
      pieces.push({ bytes, text: Buffer.from(bytes).toString('hex') });
    }
    expect(new Set(pieces.map(({ text }) => text)).size).toBe(3000);
    for (const { bytes, text } of pieces) expect(Buffer.from(bytes).toString('hex')).toBe(text);
  });
  it.each([0, 1, 256, 257, 9000])('hands out %i bytes', (size) => {
    expect(pooledRandom()(size)).toHaveLength(size);
  });
});
