/**
 * A vitest reporter that leaves the counts of a run in the file that TIDELOG_TEST_COUNTS names, and says at the end, whole, what failed
 * before a retry passed: with `--retry` a busy machine does not stop a change, but neither is anything hushed up.
 */
import { writeFileSync } from 'node:fs';

export default class CountReporter {
  onTestRunEnd(testModules, unhandledErrors) {
    const counts = { passed: 0, failed: unhandledErrors.length, skipped: 0, unsteady: [] };
    for (const testModule of testModules) {
      let failedHere = 0;
      for (const test of testModule.children.allTests()) {
        const { state } = test.result();
        counts[state] = (counts[state] ?? 0) + 1;
        if (state === 'failed') failedHere += 1;
        if (test.diagnostic()?.flaky) counts.unsteady.push(firstFailure(test));
      }
      // A file that could not be loaded, or a hook that failed, is one failure.
      if (!testModule.ok() && failedHere === 0) counts.failed += 1;
    }
    writeFileSync(process.env.TIDELOG_TEST_COUNTS, JSON.stringify(counts));
  }
}

function firstFailure(test) {
  const errors = (test.result().errors ?? []).map((error) => error.stack ?? error.message);
  return `${test.module.relativeModuleId} > ${test.fullName}\n${errors.join('\n')}`;
}
