/**
 * A device's request at rest: a one-time record, found by the device code or by the user code. It
 * is changed by compare and swap, so that of an answer and a poll at the same time neither is lost.
 */
import { sha256 } from '../../crypto/bytes.ts';
import { newHandle, parseHandle, type Random } from '../../crypto/handles.ts';
import { newOneTimeRecord } from '../../domain/one-time-records.ts';
import type { Details, OneTimeRecord, Seconds } from '../../store/records.ts';
import type { OneTimeLookup } from '../../store/store.ts';
import type { RequestContext } from '../../web/request.ts';

const KIND = 'device-authorization';
const HANDLE = 'vkdc_';
/** Seconds that a request is kept after it expired, so that the device is told what happened. */
const KEPT = 3600;
/** Attempts to find a user code that nobody has. */
const MOST_ATTEMPTS = 10;
/** RFC 8628 §6.1: letters that make no words and are hard to mistake; 8 of them are 34 bits. */
const LETTERS = 'BCDFGHJKLMNPQRSTVWXZ';
const USER_CODE_LENGTH = 8;
/** Characters that are looked at of what somebody typed. */
export const LONGEST_TYPED = 40;
/**
 * User codes are kept as keyed digests: plain ones could be guessed from a copy of the database.
 */
const USER_CODE = 'user code';

/** What a subject allowed a device, and how they had signed in. */
export interface Approval {
  readonly sub: string;
  readonly authorizationId: string;
  readonly scopes: readonly string[];
  readonly authTime: Seconds;
  readonly amr: readonly string[];
  readonly acr: string | null;
  readonly approvedAt: Seconds;
  /**
   * How many revocations of subjects there were before the approval. An older server stored none.
   */
  readonly revocations?: number;
}

/** What became of a request. `interaction`: the one in which it was decided. */
export type Decision =
  | { readonly is: 'pending' }
  | { readonly is: 'denied'; readonly interaction: string }
  | { readonly is: 'approved'; readonly interaction: string; readonly approval: Approval };

/** A request of a device. */
export interface DeviceRequest {
  readonly clientId: string;
  readonly scopes: readonly string[];
  /** Details of its tokens. An older server stored none. */
  readonly details?: Details;
  /** As the device shows it. */
  readonly userCode: string;
  /** Address the request came from. */
  readonly address: string | null;
  readonly requestedAt: Seconds;
  /** Judged at every poll and at the answer; the record lives longer. */
  readonly validUntil: Seconds;
  /** Seconds between polls. */
  readonly interval: number;
  readonly polledAt: Seconds | null;
  readonly decision: Decision;
}

/** A request with its record. */
export interface StoredRequest {
  readonly record: OneTimeRecord;
  readonly request: DeviceRequest;
}

/** What a device asks for. */
export type DeviceFacts = Pick<DeviceRequest, 'clientId' | 'scopes' | 'details' | 'interval'> & {
  readonly lifetime: Seconds;
};

/** Stores a new request. */
export async function storeRequest(
  ctx: RequestContext,
  { clientId, scopes, details = {}, interval, lifetime }: DeviceFacts,
): Promise<{ readonly deviceCode: string; readonly userCode: string }> {
  const requestedAt = ctx.now();
  const validUntil = requestedAt + lifetime;
  for (let attempt = 0; attempt < MOST_ATTEMPTS; attempt += 1) {
    const deviceCode = newHandle(HANDLE, ctx.settings.random);
    const userCode = newUserCode(ctx.settings.random);
    const request: DeviceRequest = {
      clientId,
      scopes,
      details,
      userCode,
      address: ctx.request.address,
      requestedAt,
      validUntil,
      interval,
      polledAt: null,
      decision: { is: 'pending' },
    };
    const record = newOneTimeRecord({
      kind: KIND,
      digest: sha256(deviceCode),
      secondKey: ctx.vault.mac(USER_CODE, userCode),
      payload: seal(ctx, request),
      expiresAt: validUntil + KEPT,
    });
    if (await ctx.store.oneTime.put(record)) return { deviceCode, userCode };
  }
  throw new Error('No user code was free.');
}

/** A new code, as people read it: `BCDF-GHJK`. Each letter is as likely as any other. */
function newUserCode(random: Random): string {
  // Bytes above a multiple of the alphabet would make its first letters more likely.
  const bound = 256 - (256 % LETTERS.length);
  let letters = '';
  while (letters.length < USER_CODE_LENGTH) {
    for (const byte of random(2 * USER_CODE_LENGTH)) {
      if (byte < bound && letters.length < USER_CODE_LENGTH)
        letters += LETTERS[byte % LETTERS.length];
    }
  }
  return format(letters);
}

/**
 * What somebody typed, in the one spelling; null when it cannot be a code. RFC 8628 §6.1: case and
 * punctuation do not matter.
 */
export function readUserCode(typed: string): string | null {
  const letters = typed
    .slice(0, LONGEST_TYPED)
    .toUpperCase()
    .replace(/[^A-Z0-9]/g, '');
  const known = [...letters].every((letter) => LETTERS.includes(letter));
  return known && letters.length === USER_CODE_LENGTH ? format(letters) : null;
}

function format(letters: string): string {
  return `${letters.slice(0, USER_CODE_LENGTH / 2)}-${letters.slice(USER_CODE_LENGTH / 2)}`;
}

function seal(ctx: RequestContext, request: DeviceRequest): string {
  return ctx.vault.seal(KIND, JSON.stringify(request));
}

/** The request of a device code; null when it is none of ours. */
export async function findByDeviceCode(
  ctx: RequestContext,
  deviceCode: string,
): Promise<StoredRequest | null> {
  if (parseHandle(HANDLE, deviceCode) === null) return null;
  return await find(ctx, { kind: KIND, digest: sha256(deviceCode) });
}

/** The request that an interaction is about. */
export async function findByDigest(
  ctx: RequestContext,
  digest: string,
): Promise<StoredRequest | null> {
  return await find(ctx, { kind: KIND, digest });
}

/** The request of a user code, as somebody typed it. */
export async function findByUserCode(
  ctx: RequestContext,
  typed: string,
): Promise<StoredRequest | null> {
  const userCode = readUserCode(typed);
  if (userCode === null) return null;
  // A secret that was replaced still finds what it kept.
  for (const secondKey of ctx.vault.macs(USER_CODE, userCode)) {
    const found = await find(ctx, { kind: KIND, secondKey });
    if (found !== null) return found;
  }
  return null;
}

async function find(ctx: RequestContext, key: OneTimeLookup): Promise<StoredRequest | null> {
  const record = await ctx.store.oneTime.find(key);
  const json = record === null ? null : ctx.vault.open(KIND, record.payload);
  if (record === null || json === null) return null;
  return { record, request: JSON.parse(json) as DeviceRequest };
}

/** True while somebody may still answer the request. */
export function isOpen({ record, request }: StoredRequest, now: Seconds): boolean {
  const { decision, validUntil } = request;
  return record.consumedAt === null && decision.is === 'pending' && validUntil > now;
}

/** Changes a request, unless it changed since it was found: then false. */
export async function changeRequest(
  ctx: RequestContext,
  { record, request }: StoredRequest,
  changes: Partial<DeviceRequest>,
): Promise<boolean> {
  const payload = seal(ctx, { ...request, ...changes });
  return await ctx.store.oneTime.swap({ ...record, payload, version: record.version + 1 });
}
