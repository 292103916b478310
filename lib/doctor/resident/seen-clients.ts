import { readdirSync, statSync } from 'node:fs';
import { ifExists } from '../../errors/system-error.ts';
import { type InstalledBuild, isClient, readBuild } from '../../install/installed-build.ts';
import { commandName, pluginNames } from '../../install/names.ts';

/** What of ours is in a directory of CNI plugins. */
export type SeenClients = {
  readonly dir: string;
  /** The plugins' names under which a client is, which hands calls to the agent. */
  readonly names: readonly string[];
  /** Their builds, each once. */
  readonly builds: readonly string[];
  /** Of the executable beside them, which carries out what the agent does not; undefined where there is none. */
  readonly executable: string | undefined;
};

/** None where there is no such directory. @throws the failed system call where it cannot be read */
export function observeClients(dir: string): SeenClients {
  const names = ifExists(() => readdirSync(dir)) ?? [];
  const found = names.flatMap((name) => {
    const build = buildOf(`${dir}/${name}`);
    return build === undefined ? [] : [{ name, ...build }];
  });
  const clients = found.filter(({ isOfClient, name }) => isOfClient && isPluginName(name));
  return {
    dir,
    names: clients.map(({ name }) => name).sort(),
    builds: [...new Set(clients.map(({ id }) => id))],
    executable: found.find(({ name, isOfClient }) => name === commandName && !isOfClient)?.id,
  };
}

function isPluginName(name: string): boolean {
  return pluginNames.some((known) => known === name);
}

/** Undefined for what is not ours, and for what has gone meanwhile. */
function buildOf(path: string): (InstalledBuild & { readonly isOfClient: boolean }) | undefined {
  return ifExists(() => {
    const build = statSync(path).isFile() ? readBuild(path) : undefined;
    return build === undefined ? undefined : { ...build, isOfClient: isClient(path) };
  });
}
