import type { ConfigProblem } from './types.ts';

/** A configuration that cannot be used. Carries every problem, not only the first. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';
  readonly problems: readonly ConfigProblem[];

  constructor(problems: readonly ConfigProblem[]) {
    super(problems.map(problemText).join('\n'));
    this.problems = problems;
  }
}

function problemText(problem: ConfigProblem): string {
  const setting = problem.value === null ? problem.key : `${problem.key}=${problem.value}`;
  const origin = problem.origin === '' ? '' : ` (${problem.origin})`;
  return `${setting}${origin}: ${problem.message}`;
}
