/** What the tests use of libraries that come without types. */
declare module 'express-session' {
  function session(options: {
    readonly secret: string;
    readonly resave: boolean;
    readonly saveUninitialized: boolean;
  }): import('express').RequestHandler;
  export = session;
}

declare module 'passport' {
  interface Passport {
    use(strategy: object): void;
    serializeUser(write: (user: object, done: (error: null, text: string) => void) => void): void;
    deserializeUser(read: (text: string, done: (error: null, user: object) => void) => void): void;
    session(): import('express').RequestHandler;
    authenticate(
      name: string,
      options?: { readonly successRedirect: string },
    ): import('express').RequestHandler;
  }
  const passport: { readonly Passport: new () => Passport };
  export = passport;
}

declare module 'passport-openidconnect' {
  type Done = (error: null, user: object) => void;
  class Strategy {
    constructor(
      options: Readonly<Record<string, string>>,
      verify: (issuer: string, profile: object, done: Done) => void,
    );
  }
  const strategies: { readonly Strategy: typeof Strategy };
  export = strategies;
}

declare module 'simple-oauth2' {
  class AuthorizationCode {
    constructor(options: {
      readonly client: { readonly id: string; readonly secret: string };
      readonly auth: Readonly<Record<string, string>>;
    });
    authorizeURL(params: Readonly<Record<string, string>>): string;
    getToken(params: Readonly<Record<string, string>>): Promise<{
      readonly token: Readonly<Record<string, unknown>>;
    }>;
  }
  const grants: { readonly AuthorizationCode: typeof AuthorizationCode };
  export = grants;
}
