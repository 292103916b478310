import { existsSync, readdirSync } from 'node:fs';
import { execa } from 'execa';
import { ifExists } from '../../lib/errors/system-error.ts';
import { toolPath } from './call.ts';

const dir = '/run/netns';

/** The names of the network namespaces that `ip netns` knows. */
export function listNamespaces(): readonly string[] {
  return ifExists(() => readdirSync(dir)) ?? [];
}

/** Makes a network namespace with a loopback. @returns its path */
export async function addNamespace(name: string): Promise<string> {
  await ip('netns', 'add', name);
  await ip('-n', name, 'link', 'set', 'dev', 'lo', 'up');
  return `${dir}/${name}`;
}

/** Removes a network namespace, also one that was made half-way or not at all. */
export async function removeNamespace(name: string): Promise<void> {
  if (existsSync(`${dir}/${name}`)) await ip('netns', 'del', name);
}

/** In a process group of its own: a Ctrl-C must not end what is cleaning up. */
async function ip(...args: readonly string[]): Promise<void> {
  await execa('ip', args, { detached: true, cleanup: false, env: { PATH: toolPath } });
}
