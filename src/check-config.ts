/**
 * Everything wrong with a configuration: each option by its entry in `config-options.ts`, then what
 * options mean to one another.
 */
import type { Config } from './config.ts';
import { CORE_OPTIONS } from './config-options.ts';
import type { KeySchedule, Lifetimes } from './domain/settings.ts';
import { checkOptions, type Refuse, withDefaults } from './engine/contracts/options.ts';
import { STANDARD_SCOPES } from './protocol/claims.ts';
import { isLoopbackHost } from './protocol/redirect-uri.ts';

/** Options without which there is no provider. */
const REQUIRED = ['store', 'accounts', 'pages'] as const;

/** Tells every problem of each option by itself. */
export function checkEachOption(config: Config, refuse: Refuse): void {
  checkOptions(CORE_OPTIONS, config, '', refuse);
  for (const option of REQUIRED) {
    if (config[option] === undefined)
      refuse(option, 'is missing.', `It is required: ${CORE_OPTIONS[option]['description']}.`);
  }
  if (config.issuer === undefined)
    refuse('issuer', 'is missing.', 'Write it like https://id.example.com.');
  else if (typeof config.issuer === 'string' && config.issuer !== '') checkIssuer(config, refuse);
}

function checkIssuer({ issuer, allowInsecureIssuer }: Config, refuse: Refuse): void {
  if (!URL.canParse(issuer)) {
    refuse('issuer', 'is not a URL.', 'Write it like https://id.example.com.');
    return;
  }
  const url = new URL(issuer);
  // OIDC Discovery §3, RFC 8414 §2: https, without query or fragment.
  if (url.search !== '' || url.hash !== '' || /[?#]$/.test(issuer))
    refuse('issuer', 'has a query or fragment.', 'Leave them out.');
  else if (url.username !== '' || url.password !== '')
    refuse('issuer', 'has user information.', 'Leave it out.');
  else if (url.href !== issuer && url.href !== `${issuer}/`)
    refuse('issuer', 'is not in its ordinary spelling.', `Write ${url.href.replace(/\/$/, '')}.`);
  const loopback = isLoopbackHost(url.hostname);
  const http = url.protocol === 'http:' && (loopback || allowInsecureIssuer === true);
  if (url.protocol !== 'https:' && !http) {
    const remedy = 'Use https; http is for loopback only (or allowInsecureIssuer).';
    refuse('issuer', 'is not https.', remedy);
  }
}

/** Tells what is wrong between options that are right by themselves. */
export function checkTogether(config: Config, refuse: Refuse): void {
  checkAccounts(config, refuse);
  if (config.secret === undefined && config.store.ephemeral !== true) {
    const from = 'from outside the database, e.g. of `openssl rand -base64 32`';
    refuse('secret', 'is missing.', `Pass 32 random bytes as text ${from}.`);
  }
  const scopes = { ...STANDARD_SCOPES, ...config.scopes };
  const unknown = config.defaultScopes?.find(
    (name) => (Object.hasOwn(scopes, name) ? scopes[name] : null) === null,
  );
  if (unknown !== undefined)
    refuse('defaultScopes', `names ${unknown}, which is not a scope.`, 'Define it under scopes.');
  checkDurations(config, refuse);
}

function checkAccounts({ accounts, pages }: Config, refuse: Refuse): void {
  const drawn = typeof pages.login === 'function';
  if (drawn && accounts.current !== undefined) {
    const remedy =
      'Set pages.login to the URL of the page where people sign in to your application.';
    refuse('accounts.current', 'says who is signed in, so the login page here has no use.', remedy);
  } else if (drawn && accounts.authenticate === undefined) {
    const remedy = 'The login page needs it; or set pages.login to the URL of your own page.';
    refuse('accounts.authenticate', 'is missing.', remedy);
  }
  if (accounts.signOut !== undefined && accounts.current === undefined) {
    const remedy = 'Add accounts.current, or take accounts.signOut out.';
    refuse('accounts.signOut', 'ends sessions that accounts.current names.', remedy);
  }
}

/** Seconds that clocks may differ, added to how long caches and tokens live. */
const SKEW = 60;

function checkDurations(config: Config, refuse: Refuse): void {
  const all = withDefaults(CORE_OPTIONS, { ...config });
  const { idToken } = all['lifetimes'] as Lifetimes;
  const schedule = all['keySchedule'] as KeySchedule;
  const cached = Number(all['publicMaxAge']) + SKEW;
  if (schedule.publishBefore < cached)
    refuse(
      'keySchedule.publishBefore',
      'is shorter than caches live.',
      `With this publicMaxAge it is at least ${cached} seconds.`,
    );
  if (schedule.keepAfter < idToken + cached)
    refuse(
      'keySchedule.keepAfter',
      'is shorter than ID tokens and caches live.',
      `It is at least ${idToken + cached} seconds.`,
    );
  if (schedule.rotateEvery <= schedule.publishBefore)
    refuse(
      'keySchedule.rotateEvery',
      'is not longer than publishBefore.',
      'A key is published before it takes over from the last.',
    );
}
