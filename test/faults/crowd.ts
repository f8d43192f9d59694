/**
 * A crowd with a process of its own, so that its work delays nobody else: it opens the login page
 * of an application many times, prints `ready`, and at SIGUSR2 signs in everywhere at once. Prints
 * how many signed in, and how many were told to try again.
 * Arguments: the issuer, the client_id, and how many they are.
 */
import { scriptedBrowser } from 'valetkey/testing';
import { openApplication, signInOn } from './cluster.ts';

/** How many open the page at the same time. */
const AT_ONCE = 20;

const [issuer = '', clientId = '', size = '0'] = process.argv.slice(2);

const arrive = async () => {
  const browser = scriptedBrowser(fetch, (url) => url.origin === issuer);
  const { visit } = await openApplication(browser, issuer, clientId);
  return async (): Promise<string> => {
    const { status, html, leaves } = await signInOn(browser, visit);
    return leaves?.searchParams.has('code') === true ? 'signed in' : `${status} ${html}`;
  };
};

const go = new Promise((resolve) => process.once('SIGUSR2', resolve));
// To wait for a signal keeps no process alive.
const alive = setInterval(() => undefined, 1000);
const people: (() => Promise<string>)[] = [];
while (people.length < Number(size))
  people.push(...(await Promise.all(Array.from({ length: AT_ONCE }, arrive))));
console.log('ready');
await go;
clearInterval(alive);
const outcomes = await Promise.all(
  people.map(async (signIn) => await signIn().catch((error: unknown) => String(error))),
);
const signedIn = outcomes.filter((outcome) => outcome === 'signed in').length;
const refused = outcomes.filter((outcome) => outcome.startsWith('503 ')).length;
const others = outcomes.filter((outcome) => !/^(signed in|503 )/.test(outcome)).slice(0, 3);
console.log(JSON.stringify({ signedIn, refused, others }));
