export function parseRule(expression: string | undefined, type: string): { kind: string };
export function generateConfig(): Map<string, string>;
export function findDrift(): string[];
