/**
 * The values of `authorization_details` (RFC 9396 §2): reading them, and comparing what is asked
 * for with what was granted.
 */
import { resourcesIn } from '../../domain/resources.ts';
import { OAuthError, type RefusalHint } from '../../protocol/errors.ts';
import { nameForLog } from '../../protocol/remedies.ts';
import { inOneSpelling } from '../../protocol/resource-identifier.ts';
import type { Client, Details } from '../../store/records.ts';

/** One authorization detail: an object with a type (RFC 9396 §2). */
export interface AuthorizationDetail {
  /** Its type. */
  readonly type: string;
  /** Fields of the type, and the common ones of RFC 9396 §2.2. */
  readonly [field: string]: unknown;
}

/** For whom a detail is described. */
export interface DetailReader {
  /** The client that asks. */
  readonly client: Client;
  /** Languages that the reader wants, best first. */
  readonly languages: readonly string[];
}

/** What a type of authorization details is (RFC 9396 §2.1). */
export interface AuthorizationDetailType<T extends AuthorizationDetail = AuthorizationDetail> {
  /** Its name: the `type` of its details. */
  readonly type: T['type'];
  /**
   * Checks one as a client sent it, and returns what is granted if somebody allows it: with
   * defaults, and without what has no meaning.
   * @returns the detail, or a phrase that says what is wrong with it, for the client's developers
   */
  read(detail: AuthorizationDetail): T | string;
  /** Plain words for the consent page, such as "Pay 12.50 EUR to Merchant Ltd". */
  describe(detail: T, reader: DetailReader): string | Promise<string>;
  /**
   * True when a grant covers what is asked for at the token endpoint: the same, or less.
   * @default only the same
   */
  covers?(granted: T, asked: T): boolean;
  /** Whether clients get it for themselves, without anybody who allows it. @default false */
  readonly forClients?: boolean;
}

/** Details of one request, and characters of them. */
const [MOST, LONGEST] = [20, 16_384];
/** Fields that every type has (RFC 9396 §2.2): lists of strings, and one string. */
const LISTS = ['locations', 'actions', 'datatypes', 'privileges'];

const MEMBER = 'authorization_details';

/** Why a request is refused (RFC 9396 §5). */
export function refusedDetails(
  reason: string,
  problem: string,
  hint: RefusalHint = {},
): OAuthError {
  return new OAuthError('invalid_authorization_details', reason, problem, { hint });
}

/** The types of a provider, by name. */
export type DetailTypes = ReadonlyMap<string, AuthorizationDetailType>;

/**
 * The details that a parameter holds, as they are granted.
 * @param allowed types that the client may ask for; null: any
 * @throws OAuthError `invalid_authorization_details`
 */
export function detailsIn(
  text: string,
  types: DetailTypes,
  allowed: readonly string[] | null,
): readonly AuthorizationDetail[] {
  return listIn(text).map((one) => {
    const type = types.get(one.type);
    // RFC 9396 §5: unknown types, and those that the client may not ask for.
    if (type === undefined || (allowed !== null && !allowed.includes(one.type)))
      throw refusedDetails('authorization_details_type', 'A type is not available here.', {
        expected: (allowed ?? [...types.keys()]).join(', ') || 'no type',
        received: nameForLog(one.type),
      });
    checkCommonFields(one);
    const read = type.read(one);
    if (typeof read === 'string')
      throw refusedDetails('authorization_details', `A detail is not valid: ${readable(read)}.`);
    return read;
  });
}

function listIn(text: string): readonly AuthorizationDetail[] {
  let value: unknown = null;
  try {
    value = text.length <= LONGEST ? JSON.parse(text) : null;
  } catch {
    // Not JSON: refused below.
  }
  const isDetail = (one: unknown): one is AuthorizationDetail =>
    typeof one === 'object' &&
    one !== null &&
    !Array.isArray(one) &&
    typeof (one as { readonly type?: unknown }).type === 'string';
  // RFC 9396 §2: a JSON array of objects, each with a type.
  if (Array.isArray(value) && value.length > 0 && value.length <= MOST && value.every(isDetail))
    return value;
  throw refusedDetails(
    'authorization_details_malformed',
    `The authorization_details must be a JSON list of 1 to ${MOST} objects with a type.`,
  );
}

function checkCommonFields(detail: AuthorizationDetail): void {
  const wrong = LISTS.find((name) => {
    const value = detail[name];
    return (
      value !== undefined &&
      !(Array.isArray(value) && value.every((one) => typeof one === 'string'))
    );
  });
  const { identifier } = detail;
  if (wrong !== undefined)
    throw refusedDetails('authorization_details', `The field ${wrong} must be a list of strings.`);
  if (identifier !== undefined && typeof identifier !== 'string')
    throw refusedDetails('authorization_details', 'The field identifier must be a string.');
}

/** Characters that an error description may have (RFC 6749 §5.2). */
function readable(text: string): string {
  return text.replaceAll(/[^\x20-\x21\x23-\x5B\x5D-\x7E]/g, '').slice(0, 200);
}

/** The details that a grant or a token holds. */
export function grantedIn(details: Details): readonly AuthorizationDetail[] {
  const value = details[MEMBER];
  return Array.isArray(value) ? (value as readonly AuthorizationDetail[]) : [];
}

/** Details of a grant that hold these. */
export function withDetails(granted: readonly AuthorizationDetail[]): Details {
  return granted.length === 0 ? {} : { [MEMBER]: granted };
}

/** Details of a token that take the place of those of its grant. */
export function insteadOf(granted: readonly AuthorizationDetail[]): Details {
  return { [MEMBER]: granted };
}

/**
 * RFC 9396 §6: a token holds what was granted, or less.
 * @throws OAuthError `invalid_authorization_details`
 */
export function requireGranted(
  types: DetailTypes,
  granted: readonly AuthorizationDetail[],
  asked: readonly AuthorizationDetail[],
): void {
  const covers = (grantedOne: AuthorizationDetail, one: AuthorizationDetail): boolean => {
    if (grantedOne.type !== one.type) return false;
    const { covers: isLess } = types.get(one.type) ?? {};
    if (isLess === undefined) return isSame(grantedOne, one);
    return isWithinCommonFields(grantedOne, one) && isLess(grantedOne, one);
  };
  // Each one that was granted stands for one at most: one payment is not three.
  if (isMatched(asked, granted, covers)) return;
  throw refusedDetails(
    'authorization_details_grew',
    'The authorization_details are more than what was granted.',
    {
      expected: `no more than what was granted (${typesOf(granted)})`,
      received: `more than the rule of its type (covers) allows (${typesOf(asked)})`,
    },
  );
}

function typesOf(details: readonly AuthorizationDetail[]): string {
  return details.map(({ type }) => nameForLog(type)).join(', ') || 'none';
}

/** True when each of `asked` has one of `granted` for itself that covers it. */
function isMatched(
  asked: readonly AuthorizationDetail[],
  granted: readonly AuthorizationDetail[],
  covers: (granted: AuthorizationDetail, asked: AuthorizationDetail) => boolean,
): boolean {
  const takenBy = new Map<number, AuthorizationDetail>();
  // One that is taken is given away where its holder finds another (Kuhn's algorithm).
  const findFor = (one: AuthorizationDetail, tried: Set<number>): boolean =>
    granted.some((other, index) => {
      if (tried.has(index) || !covers(other, one)) return false;
      tried.add(index);
      const holder = takenBy.get(index);
      if (holder !== undefined && !findFor(holder, tried)) return false;
      takenBy.set(index, one);
      return true;
    });
  return asked.every((one) => findFor(one, new Set()));
}

/** RFC 9396 §2.2: what is asked for names no other places, actions, data or thing. */
function isWithinCommonFields(granted: AuthorizationDetail, asked: AuthorizationDetail): boolean {
  const { identifier } = granted;
  if (identifier !== undefined && asked.identifier !== identifier) return false;
  return LISTS.every((name) => {
    const [had, wanted] = [granted[name], asked[name]];
    if (!Array.isArray(had)) return true;
    return Array.isArray(wanted) && wanted.every((one) => had.includes(one));
  });
}

/** Those that a client may still have (RFC 9396 §10). */
export function available(
  details: Details,
  allowed: readonly string[] | null,
): readonly AuthorizationDetail[] {
  const granted = grantedIn(details);
  return allowed === null ? granted : granted.filter(({ type }) => allowed.includes(type));
}

/** True for the same JSON value, in whatever order its members are. */
function isSame(one: unknown, other: unknown): boolean {
  const [first, second] = [one, other].map((value) => JSON.stringify(value, inOrder));
  return first === second;
}

function inOrder(_name: string, value: unknown): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value;
  return Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)));
}

/**
 * Those that concern the APIs of a token (RFC 9396 §3): an API does not learn what was granted at
 * another one.
 */
export function concerning(details: Details): readonly AuthorizationDetail[] {
  const resources = resourcesIn(details).map(inOneSpelling);
  const all = grantedIn(details);
  if (resources.length === 0) return all;
  return all.filter(({ locations }) => {
    if (!Array.isArray(locations)) return true;
    const places = locations.filter((one) => URL.canParse(one)).map(inOneSpelling);
    return places.some((one) => resources.includes(one));
  });
}
