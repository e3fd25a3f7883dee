/** Items that are worked on at one time: a request may name millions. */
const AT_ONCE = 16;

/**
 * Maps items in order with few promises at a time. `work` may answer at once; then it costs no promise. The first failure rejects, once what runs has ended.
 */
export async function mapBounded<Item, Result>(items: readonly Item[], work: (item: Item) => Result | Promise<Result>): Promise<Result[]> {
  const results: Result[] = [];
  results.length = items.length;
  let next = 0;
  const run = async (): Promise<void> => {
    while (next < items.length) {
      const index = next++;
      const result = work(items[index]!);
      results[index] = result instanceof Promise ? await result : result;
    }
  };
  const runs = await Promise.allSettled(Array.from({ length: Math.min(AT_ONCE, items.length) }, run));
  for (const outcome of runs) if (outcome.status === 'rejected') throw outcome.reason;
  return results;
}
