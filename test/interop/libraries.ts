/** Applications as the documentation of their libraries shows them, which send no PKCE. */
import type { RequestListener } from 'node:http';
import { createRequire } from 'node:module';
import { parseCookie } from 'cookie';
import express, { type Request, type Response } from 'express';
import session from 'express-session';
import passports from 'passport';
import strategies from 'passport-openidconnect';
import type { Page } from 'playwright-core';
import { AuthorizationCode } from 'simple-oauth2';
import { onTestFinished, vi } from 'vitest';
import { services } from '../services.ts';

const SECRET = 'a secret of the application, for tests only';

interface Situation {
  readonly origin: string;
  readonly issuer: string;
  readonly clientId: string;
  readonly clientSecret: string;
}

export interface Library {
  /** The path of its redirect URI. */
  readonly callback: string;
  /** The path of the page that shows who is signed in. */
  readonly end: string;
  application(situation: Situation): Promise<RequestListener>;
  /** What a person does to sign in. */
  begin(page: Page, origin: string): Promise<unknown>;
}

type Metadata = Readonly<
  Record<'authorization_endpoint' | 'token_endpoint' | 'userinfo_endpoint', string>
>;

function discoveryOf(issuer: string): string {
  return `${issuer}/.well-known/openid-configuration`;
}

async function metadataOf(issuer: string): Promise<Metadata> {
  return (await (await fetch(discoveryOf(issuer))).json()) as Metadata;
}

export const passportOpenidConnect: Library = {
  callback: '/callback',
  end: '/',
  begin: async (page, origin) => await page.goto(`${origin}/login`),
  async application({ origin, issuer, clientId, clientSecret }) {
    const metadata = await metadataOf(issuer);
    const passport = new passports.Passport();
    passport.use(
      new strategies.Strategy(
        {
          issuer,
          authorizationURL: metadata.authorization_endpoint,
          tokenURL: metadata.token_endpoint,
          userInfoURL: metadata.userinfo_endpoint,
          clientID: clientId,
          clientSecret,
          callbackURL: `${origin}/callback`,
          scope: 'profile email',
        },
        (_issuer, profile, done) => done(null, profile),
      ),
    );
    passport.serializeUser((user, done) => done(null, JSON.stringify(user)));
    passport.deserializeUser((text, done) => done(null, JSON.parse(text) as object));
    return express()
      .set('env', 'test') // The refusal is expected, so it is not printed.
      .use(session({ secret: SECRET, resave: false, saveUninitialized: false }))
      .use(passport.session())
      .get('/login', passport.authenticate('openidconnect'))
      .get('/callback', passport.authenticate('openidconnect', { successRedirect: '/' }))
      .get('/', (request, response) => {
        response.json((request as { user?: unknown }).user ?? 'nobody');
      });
  },
};

/** The handler of next-auth's API route. */
type ApiRoute = (request: Request, response: Response, options: object) => Promise<void>;

export const nextAuth: Library = {
  callback: '/api/auth/callback/valetkey',
  end: '/api/auth/session',
  async begin(page, origin) {
    await page.goto(`${origin}/api/auth/signin?callbackUrl=/api/auth/session`);
    await page.click('button:has-text("Valetkey")');
  },
  async application({ origin, issuer, clientId, clientSecret }) {
    vi.stubEnv('NEXTAUTH_URL', origin);
    onTestFinished(() => void vi.unstubAllEnvs());
    const require = createRequire(import.meta.url);
    const { default: route } = require(services.nextAuth ?? '') as { default: ApiRoute };
    const options = {
      secret: SECRET,
      providers: [
        {
          id: 'valetkey',
          name: 'Valetkey',
          type: 'oauth',
          wellKnown: discoveryOf(issuer),
          clientId,
          clientSecret,
          authorization: { params: { scope: 'openid profile email' } },
          idToken: true,
          profile: ({ sub, name, email }: Record<'sub' | 'name' | 'email', string>) => ({
            id: sub,
            name,
            email,
          }),
        },
      ],
      // The refusal is expected.
      logger: { error: () => undefined },
    };
    return express()
      .use(express.urlencoded({ extended: false }))
      .all('/api/auth/*nextauth', async (request, response) => {
        // Next.js gives an API route the parts of its path in the query, and the cookies.
        const query = { ...request.query, nextauth: request.params['nextauth'] };
        Object.defineProperty(request, 'query', { value: query });
        request.cookies = parseCookie(request.headers.cookie ?? '');
        await route(request, response, options);
      });
  },
};

export const simpleOauth2: Library = {
  callback: '/callback',
  end: '/',
  begin: async (page, origin) => await page.goto(`${origin}/login`),
  async application({ origin, issuer, clientId, clientSecret }) {
    const metadata = await metadataOf(issuer);
    const grant = new AuthorizationCode({
      client: { id: clientId, secret: clientSecret },
      auth: {
        tokenHost: issuer,
        tokenPath: metadata.token_endpoint,
        authorizePath: metadata.authorization_endpoint,
      },
    });
    const redirect_uri = `${origin}/callback`;
    let person: unknown = 'nobody';
    return express()
      .get('/login', (_request, response) => {
        response.redirect(
          grant.authorizeURL({ redirect_uri, scope: 'openid profile email', state: 'state' }),
        );
      })
      .get('/callback', async ({ query }, response) => {
        if (query['error'] !== undefined) return void response.json(query);
        const { token } = await grant.getToken({ code: String(query['code']), redirect_uri });
        const headers = { authorization: `Bearer ${token['access_token']}` };
        person = await (await fetch(metadata.userinfo_endpoint, { headers })).json();
        response.redirect('/');
      })
      .get('/', (_request, response) => void response.json(person));
  },
};
