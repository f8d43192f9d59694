/** Deliveries of the memory store. */
import type { Delivery, DeliveryStore } from './deliveries.ts';
import { deliveryKey, type MemoryTables } from './memory-tables.ts';

export function deliveryStore({ deliveries }: MemoryTables): DeliveryStore {
  /** The delivery, if nobody took it over since it was taken. */
  const held = (delivery: Delivery): boolean =>
    deliveries.get(deliveryKey(delivery))?.attempts === delivery.attempts;
  return {
    async claim(now, limit, leaseUntil) {
      const due = [...deliveries.values()]
        .filter(({ dueAt }) => dueAt <= now)
        .sort((a, b) => a.dueAt - b.dueAt)
        .slice(0, limit);
      return due.map((delivery) => {
        const claimed = { ...delivery, attempts: delivery.attempts + 1, dueAt: leaseUntil };
        deliveries.set(deliveryKey(delivery), claimed);
        return claimed;
      });
    },
    async finish(delivery) {
      return held(delivery) && deliveries.delete(deliveryKey(delivery));
    },
    async postpone(delivery, dueAt) {
      if (!held(delivery)) return false;
      deliveries.set(deliveryKey(delivery), { ...delivery, dueAt });
      return true;
    },
    async nextDue() {
      const times = [...deliveries.values()].map(({ dueAt }) => dueAt);
      return times.length === 0 ? null : Math.min(...times);
    },
  };
}
