export function generateAbi(): string;
