import type { Access } from '../security/acl/access.ts';
import type { GroupCoordinator } from './groupCoordinator.ts';

/** What group handlers need of the broker. */
export interface GroupServices {
  readonly groupCoordinator: GroupCoordinator;
  /** Null or left out: everybody may do everything. */
  readonly access?: Access | null;
}
