/** Rules about the form of the request, for every grant and every kind of client. */
import { tryEvery } from './every.ts';

tryEvery('the form of the request');
