import { brokerKeys } from './generated/brokerKeys.ts';
import { clientMetricsKeys } from './generated/clientMetricsKeys.ts';
import { groupKeys } from './generated/groupKeys.ts';
import { topicKeys } from './generated/topicKeys.ts';
import { keyTable, type ConfigKey } from './keys.ts';
import { definite } from '../base/assert.ts';

export const brokerTable = keyTable(brokerKeys);
export const topicTable = keyTable(topicKeys);
export const groupTable = keyTable(groupKeys);
export const clientMetricsTable = keyTable(clientMetricsKeys);

/** A broker key that the tables are known to hold. */
export const brokerKey = (name: string): ConfigKey => definite(brokerTable.get(name), `broker key ${name}`);
/** A topic key that the tables are known to hold. */
export const topicKey = (name: string): ConfigKey => definite(topicTable.get(name), `topic key ${name}`);
