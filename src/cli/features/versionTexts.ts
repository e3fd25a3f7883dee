import { ToolError } from '../toolError.ts';
import { defaultLevels, dependenciesOf, featureNames, levelText, metadataLevel, metadataLevelMax, metadataNames, METADATA_VERSION } from './levels.ts';

/** `share.version=1` */
export function parseFeature(text: string): readonly [string, number] {
  const match = /^([^=]+)=(\d{1,5})$/.exec(text.trim());
  if (match === null) throw new ToolError(`Can't parse feature=level string ${text}: equals sign not found.`);
  return [match[1] as string, Number(match[2])];
}

export function releaseLevel(release: string): number {
  const level = metadataLevel(release);
  if (level === null) throw new ToolError(`Unknown release version '${release}'. Supported versions are: ${metadataNames[0]} to ${metadataNames.at(-1)}`);
  return level;
}

/** What `version-mapping` prints. */
export function mappingText(release: string | undefined): string {
  const level = release === undefined ? metadataLevelMax : releaseLevel(release);
  const title = release ?? metadataNames.at(-1);
  return `${METADATA_VERSION}=${level} (${title})\n${[...defaultLevels(level)].map(([feature, value]) => `${feature}=${value}\n`).join('')}`;
}

/** What `feature-dependencies` prints. */
export function dependenciesText(features: readonly string[]): string {
  return features.map((text) => {
    const [feature, level] = parseFeature(text);
    if (feature !== METADATA_VERSION && !featureNames.includes(feature)) throw new ToolError(`Unknown feature: ${feature}`);
    const needed = dependenciesOf(feature, level);
    if (needed === undefined) throw new ToolError(`Feature level ${level} is unknown for feature ${feature}`);
    const name = feature === METADATA_VERSION ? `${feature}=${level} (${levelText(feature, level)})` : `${feature}=${level}`;
    return needed === null ? `${name} has no dependencies.\n` : `${name} requires:\n    ${needed}\n`;
  }).join('');
}
