/** The command line is wrong: the tool prints the message and how to get help, and ends with 1. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}

/** The tool cannot do what was asked: it prints the message alone and ends with 1. */
export class ToolError extends Error {
  override readonly name = 'ToolError';
}
