import type { GroupCoordinator } from './groupCoordinator.ts';

/** What group handlers need of the broker. */
export interface GroupServices {
  readonly groupCoordinator: GroupCoordinator;
}
