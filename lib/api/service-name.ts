import { parseName } from '../registry/config.ts';
import type { Instance } from '../registry/instance.ts';
import { isLabel, toHashedLabel, toLabel } from '../registry/label.ts';
import type { RegistryView } from '../registry/view.ts';
import { badRequest } from './api-error.ts';

/**
 * A service's name as it stands in a path.
 * @throws ApiError 400
 */
export function parseServiceName(text: string): string {
  const name = text === '.' || text === '..' ? undefined : parseName(text);
  if (name !== undefined) return name;
  throw badRequest(
    `the service's name ${shown(text)} has a character that no name may have`,
    'use 1 to 255 printable characters without white space, "/", "\\" and quotes',
  );
}

/**
 * The id of an instance as it stands in a path.
 * @throws ApiError 400
 */
export function parseInstanceId(text: string): string {
  if (isLabel(text)) return text;
  throw badRequest(
    `the instance's id ${shown(text)} is no DNS label`,
    'an id has at most 63 lower case letters, digits and "-", and begins and ends with a letter or digit',
  );
}

/**
 * The DNS label under which the registry has the service: names that fold to one label share it, and where they are
 * different names the later one's ends with a hash.
 */
export function labelOfService(view: RegistryView, namespace: string, name: string): string {
  const hashed = toHashedLabel(name);
  const ofHashed = view.ofService({ namespace, service: hashed });
  return ofHashed.some((instance) => isNamed(instance, name)) ? hashed : toLabel(name);
}

function isNamed({ serviceName }: Instance, name: string): boolean {
  return serviceName.toLowerCase() === name.toLowerCase();
}

function shown(text: string): string {
  return JSON.stringify(text.slice(0, 80));
}
