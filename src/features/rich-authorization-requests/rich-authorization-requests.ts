/**
 * Rich authorization requests (RFC 9396): what scopes are too coarse for, such as one payment, is
 * asked for, shown, granted and told to APIs as an object of a type.
 */
import { type ClientField, clientField } from '../../engine/contracts/client-field.ts';
import { defineFeature, type FeatureFactory } from '../../engine/contracts/feature.ts';
import {
  type AuthorizationParameter,
  authorizationParameter,
} from '../../engine/contracts/parameter.ts';
import type { TokenParameter } from '../../engine/contracts/token-parameter.ts';
import { uiLocales } from '../../engine/parameters.ts';
import type { ConsentItem } from '../../protocol/authorization-request.ts';
import { acceptedLanguages } from '../../web/page.ts';
import {
  type AuthorizationDetail,
  type AuthorizationDetailType,
  available,
  concerning,
  type DetailReader,
  type DetailTypes,
  detailsIn,
  grantedIn,
  insteadOf,
  refusedDetails,
  requireGranted,
  withDetails,
} from './details.ts';

/** Options of rich authorization requests. */
export interface RichAuthorizationRequestOptions {
  /** The types that clients may ask for; empty: the parameter is not read. @default [] */
  readonly types: readonly AuthorizationDetailType[];
}

const NAME = 'authorization_details';

/** Makes a type from its definition, with the TypeScript type of its details. */
export function authorizationDetailType<T extends AuthorizationDetail>(
  definition: AuthorizationDetailType<T>,
): AuthorizationDetailType<T> {
  return definition;
}

/** RFC 9396 §10: types that a client may ask for. */
const allowedTypes: ClientField<readonly string[] | null> = clientField<readonly string[] | null>({
  wireName: 'authorization_details_types',
  flag: 'authorization-details-type',
  kind: 'texts',
  nullable: true,
  default: null,
  setBy: 'client',
  description: 'types of authorization details that it may ask for (default: all)',
});

interface DetailsValue {
  readonly details: readonly AuthorizationDetail[];
  readonly items: readonly ConsentItem[];
}

const NONE: DetailsValue = { details: [], items: [] };

async function described(
  types: DetailTypes,
  details: readonly AuthorizationDetail[],
  reader: DetailReader,
): Promise<readonly ConsentItem[]> {
  return await Promise.all(
    details.map(async (one) => ({
      key: JSON.stringify(one),
      text: (await types.get(one.type)?.describe(one, reader)) ?? one.type,
    })),
  );
}

function parameter(types: DetailTypes): AuthorizationParameter<DetailsValue> {
  return authorizationParameter<DetailsValue>({
    names: [NAME],
    absent: NONE,
    async read({ request: { headers } }, { params, client, request }) {
      const text = params.get(NAME);
      if (text === undefined) return NONE;
      const details = detailsIn(text, types, allowedTypes(client));
      const accepted = acceptedLanguages(headers.get('accept-language'));
      const languages = [...uiLocales(request), ...accepted];
      return { details, items: await described(types, details, { client, languages }) };
    },
    details: ({ details }) => withDetails(details),
    consentItems: ({ items }) => items,
  });
}

function tokenParameter(types: DetailTypes): TokenParameter {
  return {
    name: NAME,
    details(_ctx, { params, client, entitlement, acting }) {
      const text = params.get(NAME);
      if (text === undefined) {
        if (entitlement === null) return {};
        // Its registration may have lost a type since.
        const kept = available(entitlement.details, allowedTypes(client));
        return kept.length === grantedIn(entitlement.details).length ? {} : insteadOf(kept);
      }
      const asked = detailsIn(text, types, allowedTypes(client));
      if (entitlement !== null) requireGranted(types, grantedIn(entitlement.details), asked);
      else if (acting === 'for-client') requireForClients(types, asked);
      return withDetails(asked);
    },
    async consentItems({ request }, client, details) {
      const languages = acceptedLanguages(request.headers.get('accept-language'));
      return await described(types, grantedIn(details), { client, languages });
    },
    // RFC 9396 §9: what the API enforces.
    claims: (details) => withDetails(concerning(details)),
    // RFC 9396 §7: the client learns what was granted.
    response: (details) => withDetails(concerning(details)),
  };
}

/** @throws OAuthError for a type that somebody has to allow */
function requireForClients(types: DetailTypes, asked: readonly AuthorizationDetail[]): void {
  if (asked.every(({ type }) => types.get(type)?.forClients === true)) return;
  throw refusedDetails(
    'authorization_details_for_client',
    'A type is not available to a client for itself.',
  );
}

/** Rich authorization requests (RFC 9396). */
export const richAuthorizationRequests: FeatureFactory<RichAuthorizationRequestOptions> =
  defineFeature<RichAuthorizationRequestOptions>({
    name: 'rich-authorization-requests',
    description: 'Rich authorization requests (RFC 9396); their types are given in code',
    options: {
      types: {
        kind: 'code',
        description: 'Types of authorization details',
        default: [],
        check(value, option, refuse) {
          const isTyped = Array.isArray(value) && value.every((one) => isType(one));
          const remedy = 'Make each with authorizationDetailType({ type, read, describe }).';
          if (!isTyped) refuse(option, 'must be a list of types.', remedy);
        },
      },
    },
    create(options) {
      if (options.types.length === 0) return {};
      const types: DetailTypes = new Map(options.types.map((one) => [one.type, one]));
      return {
        parameters: [parameter(types)],
        tokenParameters: [tokenParameter(types)],
        clientFields: [allowedTypes],
        metadata: () => ({ authorization_details_types_supported: [...types.keys()] }),
      };
    },
  });

function isType(value: unknown): boolean {
  const { type, read, describe } = (value ?? {}) as Partial<AuthorizationDetailType>;
  return typeof type === 'string' && typeof read === 'function' && typeof describe === 'function';
}
