/**
 * What a refusal must look like, in each of the three ways in which one leaves: as JSON, as a
 * redirect to the client, as an error page. A failing expectation shows what was there instead.
 */
import type { Visit } from 'valetkey/testing';
import { expect } from 'vitest';
import { type Answer, ISSUER, type World } from './setup.ts';

/** A refusal as JSON, and the reason that operators read for it in the log. */
export function expectRefusal(
  world: Pick<World, 'reasons'>,
  answer: Pick<Answer, 'status' | 'body'>,
  expected: { readonly status: number; readonly error: string; readonly reason: string },
): void {
  const { status, body } = answer;
  expect(
    { status, error: body['error'], reason: world.reasons.at(-1) },
    `a refusal as JSON; the answer was ${status} ${JSON.stringify(body)}`,
  ).toEqual(expected);
}

/**
 * A refusal that went to the client, in the query or in the fragment and with our name (RFC 9207),
 * and the reason that the listener for events heard. Returns what the client received.
 */
export function expectRefusedRedirect(
  world: Pick<World, 'events'>,
  visit: Visit,
  expected: { readonly error: string; readonly reason: string },
): URLSearchParams {
  const { leaves } = visit;
  const received = new URLSearchParams(leaves?.search || leaves?.hash.slice(1));
  expect(
    {
      error: received.get('error'),
      iss: received.get('iss'),
      reason: world.events.at(-1)?.reason,
    },
    `a refusal sent to the client; ${whatWasThere(visit)}`,
  ).toEqual({ iss: ISSUER, ...expected });
  return received;
}

/** A refusal that stayed here, as a page that tells code and reason. */
export function expectErrorPage(
  visit: Visit,
  expected: { readonly status: number; readonly code: string; readonly reason: string },
): void {
  const { leaves, status, html } = visit;
  expect(
    {
      leaves: leaves?.href ?? null,
      status,
      code: textOf(html, 'error-code'),
      reason: textOf(html, 'error-reason'),
    },
    `an error page; ${whatWasThere(visit)}`,
  ).toEqual({ leaves: null, ...expected });
}

function whatWasThere({ leaves, status, url, html }: Visit): string {
  if (leaves !== null) return `the browser was sent to ${leaves.href}`;
  const text = html.replace(/<style>.*?<\/style>/gs, '').replace(/<[^>]*>/g, ' ');
  return `the page at ${url} (${status}) was: ${text.replace(/\s+/g, ' ').trim().slice(0, 300)}`;
}

function textOf(html: string, id: string): string | null {
  return new RegExp(`id="${id}"[^>]*>([^<]*)<`).exec(html)?.[1]?.trim() ?? null;
}
