/** The connected components of items, of which any two with a key in common are joined. In no order that means anything. */
export function joinByKeys<T>(items: readonly T[], keysOf: (item: T) => Iterable<string>): T[][] {
  interface Component {
    items: T[];
    keys: string[];
  }
  const componentOf = new Map<string, Component>();
  const components = new Set<Component>();
  for (const item of items) {
    let joined: Component = { items: [item], keys: [] };
    for (const key of keysOf(item)) {
      const other = componentOf.get(key);
      if (other === joined) continue;
      joined.keys.push(key);
      componentOf.set(key, joined);
      if (other === undefined) continue;
      // The smaller one moves, or many small ones after each other would take the square of their number.
      components.delete(other);
      const [from, into] = other.keys.length < joined.keys.length ? [other, joined] : [joined, other];
      for (const moved of from.items) into.items.push(moved);
      for (const moved of from.keys) {
        componentOf.set(moved, into);
        into.keys.push(moved);
      }
      joined = into;
    }
    components.add(joined);
  }
  return [...components].map((component) => component.items);
}
