/** Clients that send their requests too slowly. */
import { setTimeout as sleep } from 'node:timers/promises';
import { connect } from './wire.ts';

const FORM = 'Content-Type: application/x-www-form-urlencoded\r\n';

/** What became of the slow clients, and of others beside them. */
export interface SlowRun {
  /** Milliseconds until each slow client was disconnected. */
  readonly late: readonly number[];
  /** Statuses that other clients got meanwhile. */
  readonly others: readonly number[];
}

/**
 * Runs 80 slow clients at once.
 * @param other sends one request of another client and resolves to its status
 */
export async function slowClients(port: number, other: () => Promise<number>): Promise<SlowRun> {
  const starts = [
    '',
    'GET /healthz HTTP/1.1\r\nHost: localhost\r\nX-A: ',
    `POST /o/token/ HTTP/1.1\r\nHost: localhost\r\n${FORM}Content-Length: 60000\r\n\r\na=`,
    `POST /o/token/ HTTP/1.1\r\nHost: localhost\r\n${FORM}Transfer-Encoding: chunked\r\n\r\n1\r\na\r\n`,
  ];
  const begun = Date.now();
  let waiting = true;
  const clients = starts.flatMap((text) =>
    Array.from({ length: 20 }, async () => {
      const wire = connect(port);
      wire.send(text);
      const drop = text.endsWith('\r\na\r\n') ? '1\r\na\r\n' : 'a';
      const drops = setInterval(() => text !== '' && wire.send(drop), 500);
      await wire.over;
      clearInterval(drops);
      return Date.now() - begun;
    }),
  );
  const others: number[] = [];
  const watching = (async () => {
    while (waiting) {
      others.push(await other());
      await sleep(250);
    }
  })();
  const late = await Promise.all(clients);
  waiting = false;
  await watching;
  return { late, others };
}
