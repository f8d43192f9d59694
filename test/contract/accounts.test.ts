/**
 * Accounts with passwords, on every database: what may be stored, how a username is compared, how a
 * password is checked, and how issuers are kept apart.
 */
import {
  AccountError,
  accountsMigrations,
  type PasswordAccounts,
  passwordAccounts,
  STANDARD_CLAIMS,
} from 'valetkey/accounts';
import { type SqlDatabase, sqlDatabase } from 'valetkey/sql';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { DATABASES, type EmptyDatabase, MIGRATIONS } from '../databases.ts';

const ISSUER = 'https://one.example';
const PASSWORD = 'correct horse battery';

describe.each(DATABASES)('$name', (kind) => {
  describe.skipIf(kind.missing)('accounts', () => {
    let empty: EmptyDatabase;
    let sql: SqlDatabase;
    let accounts: PasswordAccounts;
    let now = 1_800_000_000;
    beforeAll(async () => {
      empty = kind.make();
      sql = sqlDatabase({ ...empty.options, migrations: accountsMigrations });
      expect(await sql.migrate()).toEqual([
        ...MIGRATIONS,
        '0001-accounts',
        '0002-deleted-accounts',
        '0003-account-emails',
      ]);
      accounts = passwordAccounts({ sql, issuer: ISSUER, clock: () => now });
      await accounts.create({
        sub: 'alice',
        username: 'Alice',
        password: PASSWORD,
        claims: { name: 'Alice Example', team: 'red' },
      });
    });
    afterAll(async () => {
      await sql.close();
      await empty.remove();
    });

    it.each<[string, object]>([
      ['a short password', { username: 'x', password: '1234567' }],
      ['a password of 129 characters', { username: 'x', password: 'p'.repeat(129) }],
      ['a blank name', { username: ' ', password: PASSWORD }],
      ['a name with a control character', { username: 'a\u0007b', password: PASSWORD }],
      ['a name of 256 characters', { username: 'n'.repeat(256), password: PASSWORD }],
      ['a subject outside ASCII', { username: 'x', password: PASSWORD, sub: 'ä' }],
      ['a name that is taken', { username: 'alice', password: PASSWORD }],
      ['a taken name in another spelling', { username: ' ＡＬＩＣＥ ', password: PASSWORD }],
      ['a subject that is taken', { username: 'x', password: PASSWORD, sub: 'alice' }],
      ['a claim sub', { username: 'x', password: PASSWORD, claims: { sub: 'other' } }],
      [
        'an invalid email address',
        { username: 'x', password: PASSWORD, claims: { email: 'nobody' } },
      ],
      [
        'a verified flag that is a string',
        { username: 'x', password: PASSWORD, claims: { email_verified: 'true' } },
      ],
      [
        'an invalid birthdate',
        { username: 'x', password: PASSWORD, claims: { birthdate: 'today' } },
      ],
      [
        'an address that is a string',
        { username: 'x', password: PASSWORD, claims: { address: 'Main Street 1' } },
      ],
      ['a blank claim', { username: 'x', password: PASSWORD, claims: { name: '' } }],
    ])('refuses %s and stores nothing', async (_name, account) => {
      await expect(
        accounts.create(account as Parameters<PasswordAccounts['create']>[0]),
      ).rejects.toBeInstanceOf(AccountError);
      expect(await accounts.list({ limit: 10 })).toHaveLength(1);
    });

    it.each(['alice', 'ALICE', ' Alice ', 'ａｌｉｃｅ'])(
      'IN-08 all spellings of a name find the same account: %s',
      async (username) => {
        expect((await accounts.authenticate({ username, password: PASSWORD }))?.account.sub).toBe(
          'alice',
        );
        expect(await accounts.canonical(username)).toBe('alice');
      },
    );
    it.each([
      ['alice', 'wrong'],
      ['alice', ''],
      ['alice', 'p'.repeat(100_000)],
      ['nobody', PASSWORD],
      ["' OR 1=1 --", PASSWORD],
      ['a\0b', PASSWORD],
    ])('UI-10 authenticate refuses %s', async (username, password) => {
      expect(await accounts.authenticate({ username, password })).toBeNull();
    });
    it.each(["o'brien@example.com", 'a&b@example.com', 'first.last+tag@sub.example.co.uk'])(
      'an account may have the e-mail address %s',
      async (email) => {
        expect(
          await accounts.updateClaims('alice', { name: 'Alice Example', team: 'red', email }),
        ).toBe(true);
        await accounts.updateClaims('alice', { name: 'Alice Example', team: 'red' });
      },
    );
    it('somebody signs in with a verified e-mail address that no other account has', async () => {
      const other = { issuer: 'https://mail.example', sql, clock: () => now };
      const people = passwordAccounts(other);
      const signIn = async (username: string): Promise<string | undefined> =>
        (await people.authenticate({ username, password: PASSWORD }))?.account.sub;
      const add = async (sub: string, username: string, email: string, verified: boolean) =>
        await people.create({
          sub,
          username,
          password: PASSWORD,
          claims: { email, email_verified: verified },
        });
      await add('a', 'ann', 'Ann@Example.com', true);
      await add('b', 'bea', 'bea@example.com', false);
      expect(await signIn(' ANN@example.com ')).toBe('a');
      // Failed attempts are counted for the account, however it is named.
      expect(await people.canonical('ann@example.com')).toBe('ann');
      expect(await signIn('bea@example.com')).toBeUndefined();
      await people.updateClaims('b', { email: 'ann@example.com', email_verified: true });
      expect(await signIn('ann@example.com')).toBeUndefined();
      expect(await people.canonical('ann@example.com')).toBe('ann@example.com');
      await people.updateClaims('b', {});
      expect(await signIn('ann@example.com')).toBe('a');
      // Nobody takes the address over, by a username or the other way round.
      await expect(add('c', 'ann@example.com', 'c@example.com', true)).rejects.toThrow(/e-mail/);
      await add('d', 'dan@example.com', 'd@example.com', true);
      await people.updateClaims('b', { email: 'dan@example.com', email_verified: true });
      expect(await signIn('dan@example.com')).toBe('d');
    });
    it.each(['نام\u200cکاربری', '👩\u200d💻', 'क्\u200dष'])(
      'a name may have joiners: %s',
      async (username) => {
        const people = passwordAccounts({ issuer: 'https://names.example', sql, clock: () => now });
        const { sub } = await people.create({ username, password: PASSWORD });
        expect((await people.authenticate({ username, password: PASSWORD }))?.account.sub).toBe(
          sub,
        );
      },
    );
    it.each(['\u200dname', 'name\u200d', 'a\u202eb', 'a\u00adb'])(
      'a name may not have them at its ends, nor other marks that nobody sees (%#)',
      async (username) => {
        await expect(accounts.create({ username, password: PASSWORD })).rejects.toBeInstanceOf(
          AccountError,
        );
      },
    );
    it('a password that can be set signs in, however its characters are composed', async () => {
      const people = passwordAccounts({ issuer: 'https://length.example', sql, clock: () => now });
      // 128 characters, written as 256.
      const password = 'e\u0301'.repeat(128);
      const { sub } = await people.create({ username: 'long', password });
      for (const typed of [password, password.normalize('NFC')])
        expect(
          (await people.authenticate({ username: 'long', password: typed }))?.account.sub,
        ).toBe(sub);
    });
    it('UI-10 authenticate checks a hash for an unknown name as well', async () => {
      const seen: string[] = [];
      const hasher = {
        hash: async (password: string) => `made ${password}`,
        verify: async (hash: string) => {
          seen.push(hash.slice(0, 5));
          return false;
        },
        isOutdated: () => false,
        slowest: () => 0,
      };
      await passwordAccounts({ sql, issuer: ISSUER, hasher }).authenticate({
        username: 'nobody',
        password: PASSWORD,
      });
      expect(seen).toEqual(['made ']);
    });
    it('authenticate replaces a hash with outdated parameters', async () => {
      const weak = {
        hash: async () => 'weak',
        verify: async () => true,
        isOutdated: (hash: string) => hash !== 'weak',
        slowest: () => 0,
      };
      await passwordAccounts({ sql, issuer: ISSUER, hasher: weak }).authenticate({
        username: 'alice',
        password: PASSWORD,
      });
      const stored = async (): Promise<unknown> =>
        (
          await sql.kysely
            .selectFrom('accounts' as never)
            .selectAll()
            .execute()
        )
          .map((row) => row as { sub: string; password: string })
          .find(({ sub }) => sub === 'alice')?.password;
      expect(await stored()).toBe('weak');
      const strong = passwordAccounts({ sql, issuer: ISSUER });
      expect(await strong.setPassword('alice', PASSWORD)).toBe(true);
      expect(await stored()).toMatch(/^\$argon2id\$v=19\$m=19456,t=2,p=1\$/);
      expect(await strong.setPassword('nobody', PASSWORD)).toBe(false);
    });
    it('find returns the claims, the username and the time of the last change', async () => {
      expect((await accounts.find('alice'))?.claims).toMatchObject({
        preferred_username: 'alice',
        name: 'Alice Example',
        team: 'red',
      });
      now += 60;
      await accounts.updateClaims('alice', { name: 'Alice Other' });
      expect((await accounts.find('alice'))?.claims).toEqual({
        preferred_username: 'alice',
        name: 'Alice Other',
        updated_at: now,
      });
      expect(STANDARD_CLAIMS).toHaveLength(18);
    });
    it('accounts can be listed in order, disabled and deleted', async () => {
      for (const username of ['carol', 'bob'])
        await accounts.create({ username, password: PASSWORD });
      const names = async (after?: string): Promise<string[]> =>
        (await accounts.list({ limit: 2, ...(after === undefined ? {} : { after }) })).map(
          ({ username }) => username,
        );
      expect([await names(), await names('bob')]).toEqual([['alice', 'bob'], ['carol']]);
      const bob = await accounts.findByUsername('bob');
      expect(await accounts.setEnabled(bob?.sub ?? '', false)).toBe(true);
      expect((await accounts.find(bob?.sub ?? ''))?.enabled).toBe(false);
      expect([
        await accounts.delete(bob?.sub ?? ''),
        await accounts.delete(bob?.sub ?? ''),
      ]).toEqual([true, false]);
    });
    it('[OIDC Core §2] a subject is never given to a second account of its issuer', async () => {
      const sub = 'kept-for-ever';
      const again = async (on: PasswordAccounts): Promise<string> =>
        (await on.create({ username: 'erin', password: PASSWORD, sub })).sub;
      await again(accounts);
      expect(await accounts.delete(sub)).toBe(true);
      await expect(again(accounts)).rejects.toThrow('kept-for-ever belonged to an account');
      expect(await accounts.findByUsername('erin')).toBeNull();
      expect(await again(passwordAccounts({ sql, issuer: 'https://three.example' }))).toBe(sub);
    });
    it('accounts belong to one issuer: another issuer cannot find or change them, and may use the same names', async () => {
      const others = passwordAccounts({ sql, issuer: 'https://two.example' });
      expect([
        await others.find('alice'),
        await others.findByUsername('alice'),
        await others.list({ limit: 9 }),
      ]).toEqual([null, null, []]);
      expect(await others.authenticate({ username: 'alice', password: PASSWORD })).toBeNull();
      expect([
        await others.setEnabled('alice', false),
        await others.setPassword('alice', 'another password'),
      ]).toEqual([false, false]);
      expect([await others.delete('alice'), await others.updateClaims('alice', {})]).toEqual([
        false,
        false,
      ]);
      await others.create({ sub: 'alice', username: 'alice', password: 'a password of two' });
      expect(
        (await accounts.authenticate({ username: 'alice', password: PASSWORD }))?.account.enabled,
      ).toBe(true);
    });
  });
});
