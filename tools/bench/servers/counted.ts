/**
 * Counts the calls of a store or an adapter. Both products are counted by the same code, so the
 * count costs them the same.
 */

/** The same methods. Each call of one increments the count. */
export function counted<Methods extends object>(methods: Methods, count: () => void): Methods {
  const members = Object.entries(methods).map(([name, member]: [string, unknown]) => {
    if (typeof member !== 'function') return [name, member];
    const call = (...args: unknown[]): unknown => {
      count();
      return Reflect.apply(member, methods, args);
    };
    return [name, call];
  });
  return Object.fromEntries(members) as Methods;
}
