/** Reports what a start found and created, as text and as data, for `serve` and `init`. */
import { type Assembly, discoveryUrl, type FirstStart } from 'valetkey/server';
import { table } from './output.ts';

/** The report for people. */
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
      secretFile ?? 'from the settings',
      made.secret ? 'created (keep a copy: without it the signing keys are lost)' : 'found',
    ],
    ['Signing keys', String(found.keys.count), found.keys.made ? 'created' : 'found'],
  ];
  if (otherIssuers.length > 0)
    rows.push(['', '', `the database also holds ${otherIssuers.join(', ')}`]);
  if (found.administrator !== null) {
    const { username, password } = found.administrator;
    rows.push([
      'Administrator',
      username,
      password === null
        ? 'found (set a new password with valetkey user set-password)'
        : `created; password, shown only once: ${password}`,
    ]);
  }
  if (found.demo !== null) {
    const { clientId, clientSecret, redirectUri } = found.demo;
    rows.push(
      [
        'Demo application',
        clientId,
        clientSecret === null
          ? 'found (get a new secret with valetkey application rotate-secret)'
          : `created; secret, shown only once: ${clientSecret}`,
      ],
      ['', '', `redirect URI: ${redirectUri}`],
    );
  }
  for (const option of provider.weakened) rows.push(['Warning', option, 'weakens security']);
  const discovery = discoveryUrl(issuer);
  const curl =
    found.demo?.clientSecret == null
      ? `curl ${discovery}`
      : `curl -u ${found.demo.clientId}:${found.demo.clientSecret} -d grant_type=client_credentials -d scope=read ${provider.url('token')}`;
  return `${table(rows)}\n\nDiscovery  ${discovery}\nTry        ${curl}`;
}

/** The report for programs (`--json`). */
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
