/** Decides which of the requested scopes a client gets. */
import { STANDARD_SCOPES } from '../protocol/claims.ts';
import { OAuthError, type RefusalHint } from '../protocol/errors.ts';
import { nameForLog, namesForLog, updateCommand } from '../protocol/remedies.ts';
import { parseScope } from '../protocol/scope.ts';
import type { Client } from '../store/records.ts';
import type { ScopeOffer, ScopesRequest, Settings } from './settings.ts';

type Acting = ScopesRequest['acting'];

/**
 * The scopes that a request gets. Leaves out unknown values and those the client may not have (OIDC
 * Core §3.1.2.1).
 * @param scope the `scope` parameter; absent or blank: the default scopes
 * @param acting whether a user is involved
 * @throws OAuthError `invalid_scope` when it is malformed, or when nothing of it is left
 */
export async function resolveScopes(
  settings: Settings,
  client: Client,
  scope: string | undefined,
  acting: Acting,
): Promise<readonly string[]> {
  const asked = parseScope(scope ?? '');
  const offered = await scopeOffer(settings, client, acting);
  // CHOICE RFC 6749 §3.3: a request that names no scope gets the default scopes of the client, else
  // those of the server. They may be none.
  const usual = offered?.default ?? client.defaultScopes ?? settings.defaultScopes;
  const wanted = asked.length === 0 ? usual : asked;
  const available = offeredOf(availableScopes(settings, client, wanted, acting), offered);
  // RFC 6749 §3.3: the requested scope is invalid when nothing of it can be granted.
  if (asked.length > 0 && available.length === 0) {
    throw new OAuthError(
      'invalid_scope',
      'scope_not_available',
      'None of the requested scopes is available to this client.',
      { hint: scopeHint(settings, client, asked, acting) },
    );
  }
  return available;
}

/** What operators read of scopes that a client does not get. */
export function scopeHint(
  settings: Settings,
  client: Client,
  asked: readonly string[],
  acting: Acting,
): RefusalHint {
  const received = asked.map(nameForLog).join(' ');
  const missing = asked.filter((name) => !settings.scopes.has(name));
  if (missing.length > 0)
    return {
      expected: `scopes of this server: ${[...settings.scopes.keys()].join(' ')}`,
      received,
      remedy: `ask for scopes that exist in the application, such as ${known(settings, acting)}, or define ${namesForLog(missing)} under scopes in the configuration`,
    };
  if (acting === 'for-client' && asked.every((name) => Object.hasOwn(STANDARD_SCOPES, name)))
    return { expected: 'scopes that are not about a user', received };
  const all = [...(client.scopes ?? []), ...asked];
  return {
    expected: client.scopes?.join(' ') ?? 'any scope of this server',
    received,
    remedy: `if the application may have it: ${updateCommand(client.clientId, '--scope', all)}`,
  };
}

/** Scopes that most applications want, of those on offer. */
function known({ scopes }: Settings, acting: Acting): string {
  const usual = ['openid', 'profile', 'email'].filter((name) => scopes.has(name));
  const own = [...scopes.keys()].filter((name) => !Object.hasOwn(STANDARD_SCOPES, name));
  return (acting === 'for-user' ? usual : own).join(' ');
}

/**
 * Of these scopes, those that exist, that the client is registered for, and that the function of
 * the host lets it have now.
 */
export async function offeredScopes(
  settings: Settings,
  client: Client,
  wanted: readonly string[],
  acting: Acting,
): Promise<readonly string[]> {
  const available = availableScopes(settings, client, wanted, acting);
  if (available.length === 0) return available;
  return offeredOf(available, await scopeOffer(settings, client, acting));
}

async function scopeOffer(
  { scopesFor }: Settings,
  client: Client,
  acting: Acting,
): Promise<ScopeOffer | null> {
  if (scopesFor === null) return null;
  const offer = await scopesFor({ client, acting });
  return 'available' in offer ? offer : { available: offer };
}

function offeredOf(scopes: readonly string[], offer: ScopeOffer | null): readonly string[] {
  return offer === null ? scopes : scopes.filter((name) => offer.available.includes(name));
}

/** Of these scopes, those that exist and that the client is registered for. */
export function availableScopes(
  settings: Settings,
  client: Client,
  wanted: readonly string[],
  acting: Acting,
): readonly string[] {
  return wanted.filter(
    (name) =>
      settings.scopes.has(name) &&
      (client.scopes === null || client.scopes.includes(name)) &&
      // The standard scopes are about a user: they mean nothing when a client acts for itself.
      (acting === 'for-user' || !Object.hasOwn(STANDARD_SCOPES, name)),
  );
}
