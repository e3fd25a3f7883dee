/** Called a million times in a run: cheaper than `expect`. */
export function must(isSo: boolean, message: string): void {
  if (!isSo) throw new Error(message);
}
