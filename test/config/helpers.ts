import { ConfigError, type ConfigEntry, type ConfigEnvironment, validateBrokerConfig, type ValidatedBrokerConfig } from '../../src/config/index.ts';

export const environment: ConfigEnvironment = { hostName: 'machine.example', defaultLogDir: '/data/of/user' };

export function entries(settings: Readonly<Record<string, string>>): ConfigEntry[] {
  return Object.entries(settings).map(([key, value], index) => ({ key, value, origin: `test:${index + 1}` }));
}

export function validate(settings: Readonly<Record<string, string>> = {}): ValidatedBrokerConfig {
  return validateBrokerConfig(entries(settings), environment);
}

/** The error that the settings are refused with. */
export function refusal(settings: Readonly<Record<string, string>>): ConfigError {
  try {
    validate(settings);
  } catch (error) {
    if (error instanceof ConfigError) return error;
    throw error;
  }
  throw new Error('the settings were not refused');
}
