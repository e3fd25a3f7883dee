import { SettingValues, type ClientSettings } from './settingValues.ts';
import { adminSettings } from './settingTables.ts';

/** Kafka's settings of an admin client, as text. Throws ClientError INVALID_ARGUMENT with Kafka's wording. */
export function adminOptions(settings: ReadonlyMap<string, string>): ClientSettings<null> {
  const values = new SettingValues(adminSettings, settings);
  return { cluster: values.cluster(values.number('default.api.timeout.ms')), options: null, warnings: values.warnings() };
}
