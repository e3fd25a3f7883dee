export const ZIG_VERSION: string;
export function findZig(): string[] | null;
export function fetchZig(): string[];
export function muslSymbolList(zig: readonly string[]): string;
