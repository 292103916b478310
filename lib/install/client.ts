import { CniError, ErrorCode } from '../errors/cni-error.ts';
import { ifExists, onFiles } from '../errors/system-error.ts';
import { isClient, readBuild } from './installed-build.ts';
import { pluginNames } from './names.ts';

/** The client of the agent as the build script and the packages name it. */
export const clientName = 'fairlead-client';

/**
 * The client that belongs to an executable, in the executable's directory: under its own name, or under a plugin's where
 * the executable itself has been installed.
 * @throws CniError code 7 that says how to come by one
 */
export function findClient(executable: string, dir: string): string {
  const id = readBuild(executable)?.id;
  const paths = [clientName, ...pluginNames].map((name) => `${dir}/${name}`);
  const client = paths.find((path) => isClientOf(id, path));
  if (client !== undefined) return client;
  throw new CniError(
    ErrorCode.invalidConfig,
    `--resident: ${dir} has no ${clientName} of this build: "npm run build" makes it where there is a C compiler (cc), keep it beside the executable`,
  );
}

function isClientOf(id: string | undefined, path: string): boolean {
  const isOfBuild = () => isClient(path) && readBuild(path)?.id === id;
  return onFiles(`reading ${path}`, () => ifExists(isOfBuild) === true);
}
