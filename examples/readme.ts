/** The lines of the README. Run it: `npx tsx examples/readme.ts` */
import express from 'express';
import { createProvider, memoryDatabase } from 'valetkey';
import { expressValetkey } from 'valetkey/express';
import { builtInPages } from 'valetkey/pages';
import { memoryAccounts } from 'valetkey/testing';

const issuer = `http://localhost:${process.env['PORT'] ?? 4000}`;
const accounts = memoryAccounts([{ sub: 'alice', username: 'alice', password: 'wonderland' }]);
const provider = createProvider({
  issuer,
  store: memoryDatabase(),
  accounts,
  pages: builtInPages(),
});
express().use(expressValetkey(provider)).listen(new URL(issuer).port);
