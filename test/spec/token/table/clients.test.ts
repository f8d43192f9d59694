/** Rules about the client, for every grant and every kind of client. */
import { tryEvery } from './every.ts';

tryEvery('the client');
