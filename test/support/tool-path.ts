import { homedir } from 'node:os';

/** Where scripts/test leaves a tool that no distribution has; CONSUL, for one, names another consul. */
export function toolPath(tool: string, version: string): string {
  const cache = process.env.XDG_CACHE_HOME ?? `${homedir()}/.cache`;
  return process.env[tool.toUpperCase()] ?? `${cache}/fairlead/${tool}-${version}/${tool}`;
}
