/** Requests may name a topic twice; Kafka refuses such a name, once. */
export interface NamesSplit<Topic> {
  /** In the order of the request. */
  readonly unique: Topic[];
  readonly repeated: ReadonlySet<string>;
}

export function splitByName<Topic extends { readonly name: string }>(topics: readonly Topic[]): NamesSplit<Topic> {
  const seen = new Set<string>();
  const repeated = new Set<string>();
  for (const { name } of topics) {
    if (seen.has(name)) repeated.add(name);
    seen.add(name);
  }
  return { unique: topics.filter(({ name }) => !repeated.has(name)), repeated };
}
