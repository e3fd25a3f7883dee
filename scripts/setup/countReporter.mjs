/** A vitest reporter that leaves the counts of a run in the file that TIDELOG_TEST_COUNTS names. */
import { writeFileSync } from 'node:fs';

export default class CountReporter {
  onTestRunEnd(testModules, unhandledErrors) {
    const counts = { passed: 0, failed: unhandledErrors.length, skipped: 0 };
    for (const testModule of testModules) {
      let failedHere = 0;
      for (const test of testModule.children.allTests()) {
        const { state } = test.result();
        counts[state] = (counts[state] ?? 0) + 1;
        if (state === 'failed') failedHere += 1;
      }
      // A file that could not be loaded, or a hook that failed, is one failure.
      if (!testModule.ok() && failedHere === 0) counts.failed += 1;
    }
    writeFileSync(process.env.TIDELOG_TEST_COUNTS, JSON.stringify(counts));
  }
}
