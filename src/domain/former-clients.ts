/**
 * Clients that are registered under the name of a deleted one. Such a client tells by the time of
 * its registration what was issued to the one before. No other client compares times: nodes whose
 * clocks differ would refuse its codes and tokens.
 */
import type { Client, Seconds } from '../store/records.ts';
import type { AuditStore } from '../store/store.ts';

/** True when a client of this name was deleted: the act of deleting it wrote its audit row. */
export async function hadPredecessor(audit: AuditStore, clientId: string): Promise<boolean> {
  return (await predecessorEnd(audit, clientId)) !== null;
}

/** When a client of this name was deleted last; null when none was. */
export async function predecessorEnd(audit: AuditStore, clientId: string): Promise<Seconds | null> {
  const [row] = await audit.list({ clientId, type: 'client.deleted', limit: 1 });
  return row?.at ?? null;
}

/** True when it was issued to this registration, not to an earlier one of the same client_id. */
export function issuedToThis(client: Client, issuedAt: Seconds): boolean {
  return client.hasPredecessor === false || client.createdAt <= issuedAt;
}
