/** Tells what a start found and made. Used by `serve` and `init`. */
import { type Assembly, discoveryUrl, type FirstStart } from 'valetkey/server';
import { table } from './output.ts';

export function firstStartText(
  { issuer, otherIssuers, databaseUrl, secretFile, made, provider }: Assembly,
  found: FirstStart,
): string {
  const database = databaseUrl.replace(/\/\/[^@/]*@/, '//…@');
  const rows: string[][] = [
    ['Issuer', issuer, made.issuer ? 'new' : 'found'],
    [
      'Database',
      database,
      made.migrations.length > 0 ? `${made.migrations.length} migrations applied` : 'up to date',
    ],
    [
      'Secret',
      secretFile ?? 'from the environment',
      made.secret ? 'made (keep a copy: it opens the keys)' : 'found',
    ],
    ['Signing keys', String(found.keys.count), found.keys.made ? 'made' : 'found'],
  ];
  if (otherIssuers.length > 0)
    rows.push(['', '', `the database also holds ${otherIssuers.join(', ')}`]);
  if (found.administrator !== null) {
    const { username, password } = found.administrator;
    rows.push([
      'Administrator',
      username,
      password === null
        ? 'found (valetkey user set-password gives a new password)'
        : `made; password, shown this once: ${password}`,
    ]);
  }
  if (found.demo !== null) {
    const { clientId, clientSecret, redirectUri } = found.demo;
    rows.push(
      [
        'Demo application',
        clientId,
        clientSecret === null
          ? 'found (valetkey application rotate-secret gives a new secret)'
          : `made; secret, shown this once: ${clientSecret}`,
      ],
      ['', '', `redirect URI: ${redirectUri}`],
    );
  }
  for (const option of provider.weakened) rows.push(['Weakened', option, 'is on']);
  const discovery = discoveryUrl(issuer);
  const curl =
    found.demo?.clientSecret == null
      ? `curl ${discovery}`
      : `curl -u ${found.demo.clientId}:${found.demo.clientSecret} -d grant_type=client_credentials -d scope=read ${provider.url('token')}`;
  return `${table(rows)}\n\nDiscovery  ${discovery}\nTry        ${curl}`;
}

/** The same for programs. */
export function firstStartData(
  { issuer, databaseUrl, made, provider }: Assembly,
  found: FirstStart,
): object {
  return {
    issuer,
    database: databaseUrl.replace(/\/\/[^@/]*@/, '//…@'),
    made,
    ...found,
    weakened: provider.weakened,
    discovery: discoveryUrl(issuer),
  };
}
