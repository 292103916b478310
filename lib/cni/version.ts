import { CniError, ErrorCode } from '../errors/cni-error.ts';

/** The specification versions that every plugin of the suite speaks, oldest first. */
export const specVersions = ['0.1.0', '0.2.0', '0.3.0', '0.3.1', '0.4.0', '1.0.0', '1.1.0'] as const;

export type SpecVersion = (typeof specVersions)[number];

/**
 * The version a configuration asks for; one without `cniVersion` means 0.1.0.
 * @throws CniError code 1, with the versions that are spoken
 */
export function parseSpecVersion(text: string | undefined): SpecVersion {
  const wanted = text === undefined || text === '' ? '0.1.0' : text;
  const found = specVersions.find((version) => version === wanted);
  if (found !== undefined) return found;
  throw new CniError(
    ErrorCode.incompatibleVersion,
    `cniVersion: ${JSON.stringify(wanted)} is not supported; this plugin speaks ${specVersions.join(', ')}`,
  );
}

/** Whether `version` is `least` or later. */
export function isAtLeast(version: SpecVersion, least: SpecVersion): boolean {
  return specVersions.indexOf(version) >= specVersions.indexOf(least);
}
