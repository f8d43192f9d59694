/** Rules about the tokens, for every grant and every kind of client. */
import { tryEvery } from './every.ts';

tryEvery('the tokens');
