import { readdirSync, readFileSync, statSync } from 'node:fs';
import { isContainerNetns } from '../attach/netns.ts';
import type { AttachmentCall } from '../cni/dispatch.ts';
import { Fields } from '../cni/fields.ts';
import { type Environment, parseAttachment } from '../cni/invocation.ts';
import { parseNetConf } from '../cni/netconf.ts';
import { messageOf } from '../errors/cni-error.ts';
import { ifExists } from '../errors/system-error.ts';
import { parseRegistryConfig } from './config.ts';
import { type RegistrarParts, register } from './registrar.ts';
import { collectDeclaration } from './sources.ts';
import type { Store } from './store.ts';
import { StoreFailure } from './store-failure.ts';

/** Where libcni, which containerd, CRI-O, podman and cnitool use, keeps what it was answered. */
export const defaultResultsDir = '/var/lib/cni/results';

/** What restoring needs. */
export type RestoreParts = RegistrarParts & {
  readonly store: Store;
  /** Absolute path. */
  readonly resultsDir: string;
  /** The plugins whose attachments are registered, by their type in a conflist. */
  readonly registering: ReadonlySet<string>;
  /** What was looked at before, by its path; belongs to one store. */
  readonly examined?: Map<string, string>;
};

/**
 * Registers what is attached and alive but was never heard of: after the registry was lost, the runtime's own cache still
 * has each container's configuration, labels and result. What has been withdrawn, by whomever, stays withdrawn.
 * @returns the ids of the containers that have their names again
 * @throws StoreFailure
 */
export function restoreMissing(parts: RestoreParts): readonly string[] {
  const names = ifExists(() => readdirSync(parts.resultsDir)) ?? [];
  // The latest first: where two say that they have the same interface, the later one has it.
  const files = names
    .flatMap((name) => toFile(`${parts.resultsDir}/${name}`))
    .filter(({ path, stamp }) => parts.examined?.get(path) !== stamp)
    .sort((one, other) => other.mtimeMs - one.mtimeMs);
  return files.flatMap((file) => restoreFrom(file, parts));
}

type CachedFile = { readonly path: string; readonly mtimeMs: number; readonly stamp: string };

function toFile(path: string): CachedFile[] {
  const found = ifExists(() => statSync(path));
  if (found === undefined) return [];
  const { ino, mtimeMs, size } = found;
  return [{ path, mtimeMs, stamp: `${ino}/${mtimeMs}/${size}` }];
}

/** A file that was looked at is not looked at again until it changes: there may be thousands. */
function restoreFrom({ path, stamp }: CachedFile, parts: RestoreParts): readonly string[] {
  parts.examined?.set(path, stamp);
  try {
    return restoreCached(readFileSync(path, 'utf8'), parts);
  } catch (error) {
    if (error instanceof StoreFailure) {
      parts.examined?.delete(path);
      throw error;
    }
    parts.warn(`${path} cannot be restored from: ${messageOf(error)}`);
    return [];
  }
}

function restoreCached(text: string, parts: RestoreParts): readonly string[] {
  const cached = new Fields(JSON.parse(text), '');
  if (cached.string('kind') !== 'cniCacheV1') return [];
  const calls = toCalls(cached, parts.registering);
  const [first] = calls;
  if (first === undefined) return [];
  const { containerId, ifName } = first.attachment;
  if (parts.store.hasKnown({ network: first.conf.name, containerId, ifName }) || !isAttached(first, parts))
    return [];
  const registered = calls.map((call, index) => registerAgain(call, index > 0, parts));
  return registered.includes(true) ? [containerId] : [];
}

/**
 * Whether the namespace is there, and nobody else's: paths are used again. What is in it cannot be looked at, for the agent
 * may not enter namespaces.
 */
function isAttached({ attachment }: AttachmentCall, { machine, store }: RestoreParts): boolean {
  const { netns, ifName, containerId } = attachment;
  if (!isContainerNetns(netns, machine)) return false;
  const inode = machine.identifyNetns(netns)?.inode;
  return !store
    .attachments()
    .some(
      (other) =>
        other.proof.netns?.inode === inode && other.ifName === ifName && other.containerId !== containerId,
    );
}

function registerAgain(call: AttachmentCall, completes: boolean, parts: RestoreParts): boolean {
  const config = parseRegistryConfig(call.conf);
  if (config?.store !== parts.store.path) return false;
  const result = call.conf.prevResult();
  if (result === undefined) return false;
  const declaration = collectDeclaration(call, config, parts.warn);
  // A DEL that is remembered is always later than the ADD that is restored.
  register(
    call,
    { ...config, policy: 'required' },
    { result, declaration, startedAtUs: 0, completes },
    parts,
  );
  return parts.store.ofAttachment({ network: call.conf.name, ...call.attachment }).length > 0;
}

/** One call for each plugin of the cached conflist that registers, as the runtime would make a CHECK. */
function toCalls(cached: Fields, registering: ReadonlySet<string>): readonly AttachmentCall[] {
  const json: unknown = JSON.parse(Buffer.from(cached.string('config') ?? '', 'base64').toString());
  const list = new Fields(json, 'config');
  const prevResult = cached.raw('result');
  const shared = {
    name: list.string('name'),
    cniVersion: list.string('cniVersion'),
    prevResult,
  };
  const env = toEnvironment(cached, prevResult);
  const plugins = list.array('plugins', (plugin) => plugin as object) ?? [json as object];
  const ours = plugins.filter((plugin) => 'type' in plugin && registering.has(String(plugin.type)));
  return ours.map((plugin) => ({
    conf: parseNetConf({ ...plugin, ...shared, runtimeConfig: argsFor(plugin, cached) }),
    attachment: parseAttachment(env),
    env,
    pluginPath: [],
  }));
}

/** A plugin is given those of the runtime's arguments whose capabilities it declares (specification, section 3). */
function argsFor(plugin: object, cached: Fields): object {
  const declared = new Fields(plugin, 'config.plugins').object('capabilities');
  const given = Object.entries((cached.raw('capabilityArgs') ?? {}) as object);
  return Object.fromEntries(given.filter(([name]) => declared?.raw(name) === true));
}

function toEnvironment(cached: Fields, result: unknown): Environment {
  const args = cached.array('cniArgs', (pair) => (Array.isArray(pair) ? pair.join('=') : '')) ?? [];
  return {
    CNI_CONTAINERID: cached.string('containerId'),
    CNI_IFNAME: cached.string('ifName'),
    CNI_NETNS: cached.string('netns') ?? sandboxOf(result),
    CNI_ARGS: ['IgnoreUnknown=1', ...args.filter((arg) => !arg.startsWith('IgnoreUnknown='))].join(';'),
  };
}

/** Earlier versions of libcni do not keep the namespace's path, but the result names it. */
function sandboxOf(result: unknown): string {
  const interfaces = new Fields(result, 'result').array('interfaces', (item, path) =>
    new Fields(item, path).string('sandbox'),
  );
  return interfaces?.find((sandbox) => (sandbox ?? '') !== '') ?? '';
}
