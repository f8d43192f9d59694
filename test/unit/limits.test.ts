/**
 * Sizes and shapes that no request can reach from outside, since others stop it before: each line
 * of defence holds by itself.
 */
import { randomBytes } from 'node:crypto';
import { type Context, memoryDatabase, type Session } from 'valetkey';
import { sample } from 'valetkey/testing';
import { describe, expect, it } from 'vitest';
import {
  familyPart,
  formatHandle,
  newFamilyPart,
  newRefreshToken,
  parseHandle,
} from '../../src/crypto/handles.ts';
import { peekJwt, signJwt } from '../../src/crypto/jwt.ts';
import { startSession } from '../../src/domain/sessions.ts';

describe('a JWT', () => {
  const made = async (size: number): Promise<string> => {
    const empty = await signJwt({ alg: 'HS256' }, { pad: '' }, randomBytes(32));
    return await signJwt(
      { alg: 'HS256' },
      { pad: 'x'.repeat(Math.ceil(((size - empty.length) * 3) / 4)) },
      randomBytes(32),
    );
  };
  it('[RFC8725 §3.11] JW-07 of 17 KB is refused before anything is parsed, though all is well with it', async () => {
    const [small, large] = [await made(16 * 1024 - 4), await made(17 * 1024)];
    expect([small.length <= 16 * 1024, large.length > 16 * 1024]).toEqual([true, true]);
    expect(Object.keys(peekJwt(small).claims)).toEqual(['pad']);
    expect(() => peekJwt(large)).toThrow(expect.objectContaining({ problem: 'malformed' }));
  });
});

describe('a handle', () => {
  const random = (size: number): Uint8Array => randomBytes(size);
  it('TK-16 a refresh token has a family part of 22 characters and 43 of its own, and no other length', () => {
    const part = newFamilyPart(random);
    expect(familyPart(newRefreshToken(part, random))).toBe(part);
    for (const length of [1, 22, 43, 64, 66, 128])
      expect(familyPart(formatHandle('refreshToken', 'A'.repeat(length)))).toBeNull();
  });
  it('TK-17 is of one kind, and longer than 256 characters of none', () => {
    expect(parseHandle('code', formatHandle('code', 'A'.repeat(43)))).toBe('A'.repeat(43));
    expect(parseHandle('accessToken', formatHandle('code', 'A'.repeat(43)))).toBeNull();
    expect(parseHandle('code', formatHandle('code', 'A'.repeat(245)))).toBe('A'.repeat(245));
    expect(parseHandle('code', formatHandle('code', 'A'.repeat(246)))).toBeNull();
  });
});

describe('a session', () => {
  it('UI-03 keeps its sid for the same person alone', async () => {
    const store = memoryDatabase().forIssuer('https://op.example');
    const settings = {
      random: (size: number) => randomBytes(size),
      lifetimes: { sessionAbsolute: 60 },
    };
    const ctx = { store, settings, now: () => 1000 } as unknown as Context;
    const before: Session = sample.session(sample.facts({ sub: 'alice' }));
    const sidOf = async (sub: string): Promise<string | undefined> =>
      (await startSession(ctx, { sub, amr: [] }, before))?.session.sid;
    expect([await sidOf('alice'), (await sidOf('bob')) === before.sid]).toEqual([
      before.sid,
      false,
    ]);
  });
});
