/** `valetkey audit` and `valetkey explain`: what happened, and why a request was refused. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { inspect, type Json, makePlace, type Place, run, told } from './command-line.ts';

let place: Place;
beforeAll(async () => {
  place = await makePlace({ VALETKEY_SCOPES: '{"read":"Read"}' });
  await told(['init'], place.env);
  await told(
    ['application', 'create', '--name', 'App', '--client-id', 'job', '--kind', 'service'],
    place.env,
  );
  await inspect(place, async ({ provider }) => {
    const headers = {
      authorization: `Basic ${Buffer.from('job:wrong').toString('base64')}`,
      'content-type': 'application/x-www-form-urlencoded',
    };
    const request = new Request(provider.url('token'), {
      method: 'POST',
      headers,
      body: 'grant_type=client_credentials',
    });
    await provider.fetch(request, { ip: '192.0.2.7', requestId: 'request-1' });
    await provider.close();
  });
});
afterAll(async () => await place.remove());

describe('audit', () => {
  const events = async (...options: string[]): Promise<readonly Json[]> =>
    (await told(['audit', ...options], place.env))['events'] as readonly Json[];

  it('shows the newest last, and only what was asked for', async () => {
    const all = await events();
    expect(all.at(-1)).toMatchObject({
      type: 'client_authentication.failed',
      clientId: 'job',
      reason: 'client_secret_wrong',
      ip: '192.0.2.7',
      requestId: 'request-1',
    });
    expect(all.length).toBeGreaterThan(2);
    expect(await events('--limit', '1')).toEqual([all.at(-1)]);
    expect(await events('--reason', 'client_secret_wrong', '--client', 'job')).toHaveLength(1);
    expect(await events('--reason', 'client_secret_wrong', '--client', 'other')).toEqual([]);
    expect(await events('--type', 'client.created', '--client', 'job')).toHaveLength(1);
    expect(await events('--since', '1h')).toEqual(all);
    expect(await events('--since', '2100-01-01')).toEqual([]);
    expect((await run(['audit', '--since', 'yesterday'], place.env)).stderr).toMatch(/30m, 12h/);
  });
  it('is one line for each event', async () => {
    const { stdout } = await run(['audit', '--limit', '1'], place.env);
    expect(stdout).toMatch(
      /^\d{4}-\d\d-\d\dT[\d:]+Z {2}client_authentication\.failed {2}client=job {2}reason=client_secret_wrong {2}from=192\.0\.2\.7 {2}request=request-1\n$/,
    );
  });
});

describe('explain', () => {
  it('joins the audit log, a log file and what the reason means', async () => {
    const log = join(place.folder, 'server.log');
    const line = { requestId: 'request-1', reason: 'client_secret_wrong', remedy: 'rotate it' };
    writeFileSync(log, `not JSON request-1\n${JSON.stringify(line)}\n{"requestId":"request-10"}\n`);
    const answer = await told(['explain', 'request-1', '--log', log], place.env);
    expect(answer).toMatchObject({ events: [{ requestId: 'request-1' }], log: [line] });
    const { stdout } = await run(['explain', 'request-1', '--log', log], place.env);
    expect(stdout).toMatch(/remedy +rotate it/);
    expect(stdout).toMatch(/client_secret_wrong: invalid_client, .*rotate-secret --client-id/);
  });
  it('finds a request in a log that was copied from a terminal', async () => {
    const log = join(place.folder, 'terminal.log');
    writeFileSync(log, '12:00:01 · request refused: client_unknown [request-7]\u001b[0m\nother\n');
    const { code, stdout } = await run(['explain', 'request-7', '--log', log], place.env);
    expect(code).toBe(0);
    expect(stdout).toMatch(/request refused: client_unknown \[request-7\]/);
    expect(stdout).not.toContain('other');
    expect(stdout).not.toContain('\u001b');
  });
  it('says where to look when nothing is known', async () => {
    const { code, stderr } = await run(['explain', 'nothing'], place.env);
    expect(code).toBe(1);
    expect(stderr).toMatch(/Nothing is known of the request nothing .* --log/);
  });
});
