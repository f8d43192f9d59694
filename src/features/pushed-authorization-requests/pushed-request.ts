/**
 * A pushed request at rest: a one-time record whose handle is the `request_uri` (RFC 9126 §2.2). It
 * is taken up within its short lifetime, kept while people sign in, and consumed by the answer it
 * leads to.
 */
import { sha256 } from '../../crypto/bytes.ts';
import { newHandle, parseHandle } from '../../crypto/handles.ts';
import { issuedToThis } from '../../domain/former-clients.ts';
import { isUsable, newOneTimeRecord } from '../../domain/one-time-records.ts';
import type { LoadedRequest, ParameterSource } from '../../engine/contracts/parameter-source.ts';
import { OAuthError } from '../../protocol/errors.ts';
import { paramsOf } from '../../protocol/params.ts';
import type { OneTimeRecord, Seconds } from '../../store/records.ts';
import type { RequestContext } from '../../web/request.ts';

/** Kind of the records, and name of the source for rules that ask where a request came from. */
export const PUSHED = 'pushed-authorization-request';
/** RFC 9126 §2.2 suggests this form. */
const URN = 'urn:ietf:params:oauth:request_uri:';
const HANDLE = 'vkpr_';

export interface Payload {
  readonly clientId: string;
  readonly params: Readonly<Record<string, string>>;
  /** Whether the client signed it. Absent in requests of an earlier version: it did not. */
  readonly isSigned?: boolean;
  /** When it was pushed, in seconds. */
  readonly pushedAt: Seconds;
  /** When it can no longer be taken up, in seconds. */
  readonly takeUpUntil: Seconds;
}

/** Stores a request that passed its checks. @returns its `request_uri` */
export async function storePushed(
  ctx: RequestContext,
  pushed: Pick<Payload, 'clientId' | 'params' | 'isSigned'>,
  lifetime: Seconds,
): Promise<string> {
  const handle = newHandle(HANDLE, ctx.settings.random);
  const pushedAt = ctx.now();
  const takeUpUntil = pushedAt + lifetime;
  const payload: Payload = { ...pushed, pushedAt, takeUpUntil };
  const record = newOneTimeRecord({
    kind: PUSHED,
    digest: sha256(handle),
    payload: ctx.vault.seal(PUSHED, JSON.stringify(payload)),
    // A page that it led to may stay open for as long as any other.
    expiresAt: takeUpUntil + ctx.settings.lifetimes.interaction,
  });
  await ctx.store.oneTime.put(record);
  return URN + handle;
}

/** Authorization requests whose `request_uri` we made. */
export const pushedRequests: ParameterSource = {
  name: PUSHED,
  parameter: 'request_uri',
  async load(ctx, { value, clientId, requestedAt }) {
    if (!value.startsWith(URN)) return null;
    const handle = value.slice(URN.length);
    const known = parseHandle(HANDLE, handle) !== null;
    const record = known
      ? await ctx.store.oneTime.find({ kind: PUSHED, digest: sha256(handle) })
      : null;
    const json = record === null ? null : ctx.vault.open(PUSHED, record.payload);
    if (record === null || json === null) throw refused('request_uri_unknown');
    const payload = JSON.parse(json) as Payload;
    // RFC 9126 §4: the request_uri is bound to the client that pushed the request.
    const isNamed = payload.clientId === clientId;
    const client = isNamed ? await ctx.clients.identify(clientId, ctx.request) : null;
    const isOwn = client !== null;
    if (!isOwn || !issuedToThis(client, payload.pushedAt)) throw refused('request_uri_foreign');
    checkTime(ctx, record, payload, requestedAt);
    const { kind, digest, version } = record;
    return {
      params: paramsOf(payload.params),
      consumes: { kind, digest, version },
      isSigned: payload.isSigned ?? false,
    } satisfies LoadedRequest;
  },
};

function checkTime(
  ctx: RequestContext,
  record: OneTimeRecord,
  { takeUpUntil }: Payload,
  requestedAt: Seconds | null,
): void {
  // RFC 9126 §2.2: the lifetime is short. It is about taking the request up; signing in takes
  // longer.
  if ((requestedAt ?? ctx.now()) >= takeUpUntil) throw refused('request_uri_expired');
  if (requestedAt === null) {
    // RFC 9126 §4: a request_uri is used once.
    if (!isUsable(record, ctx.now())) throw refused('request_uri_used');
  } else if (record.expiresAt <= ctx.now()) throw refused('request_uri_expired');
  // An interaction may continue with a consumed request: its code says what became of it.
}

function refused(reason: string): OAuthError {
  return new OAuthError(
    'invalid_request_uri',
    reason,
    'The request_uri is not valid (any longer). Start again from the application.',
  );
}
