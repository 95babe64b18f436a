/** What a warm function remembers from one invocation to the next: no more than `most`, the least recently used go first. */
export interface WarmMemory<T> {
  /** Undefined where it is not known, or expired. */
  recall(key: string): T | undefined;
  remember(key: string, entry: T): void;
}

/** `now` in milliseconds since 1970, `expiresAt` in seconds. */
export function createWarmMemory<T extends { expiresAt: number }>(
  most: number,
  now: () => number,
): WarmMemory<T> {
  const entries = new Map<string, T>();
  const remember = (key: string, entry: T) => {
    entries.delete(key);
    entries.set(key, entry);
    if (entries.size > most) entries.delete(entries.keys().next().value!);
  };
  return {
    recall(key) {
      const entry = entries.get(key);
      if (entry === undefined) return undefined;
      if (entry.expiresAt * 1000 > now()) remember(key, entry);
      else entries.delete(key);
      return entries.get(key);
    },
    remember,
  };
}
