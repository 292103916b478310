import type { AttachmentCall, NetworkCall, Plugin } from '../cni/dispatch.ts';
import type { Result, ResultDns } from '../cni/result.ts';
import { CniError, ErrorCode, messageOf } from '../errors/cni-error.ts';
import { failuresOf, runAll, throwCollected, withLaterFailures } from '../errors/collect.ts';
import { parseRegistryConfig, parseWithdrawalStore, type RegistryConfig } from './config.ts';
import { defaultNamespace, type Instance } from './instance.ts';
import { toNetworkLabel } from './label.ts';
import {
  checkRegistered,
  collectRegistrations,
  gatewaysOf,
  type RegistrarParts,
  register,
  withdraw,
} from './registrar.ts';
import { collectDeclaration } from './sources.ts';

/**
 * A plugin whose attachments are registered: after its ADD, and withdrawn before its DEL. An ADD that cannot be
 * registered, where its policy requires that, is taken back.
 * @param completes whether it follows another plugin in the conflist, which may have registered the attachment already
 */
export function withRegistry(plugin: Plugin, parts: RegistrarParts, { completes = false } = {}): Plugin {
  return {
    name: plugin.name,
    add: (call) => addRegistered(call, plugin, { ...parts, completes }),
    del: (call) => delRegistered(call, plugin, parts),
    check: (call) => {
      const config = parseRegistryConfig(call.conf);
      plugin.check(call);
      const result = call.conf.prevResult();
      // A container that was attached before there was a registry has no name, and is well all the same.
      const isNeeded = completes || config?.policy === 'required';
      if (config !== undefined && isNeeded && result !== undefined)
        checkRegistered(call, config, result, parts);
    },
    gc: (call) => gcRegistered(call, plugin, parts),
    status: (call) => {
      const config = parseRegistryConfig(call.conf);
      if (config !== undefined) requireStore(config, completes, parts);
      plugin.status(call);
    },
  };
}

function addRegistered(
  call: AttachmentCall,
  plugin: Plugin,
  parts: RegistrarParts & { completes: boolean },
): Result {
  const startedAtUs = parts.nowUs();
  const config = parseRegistryConfig(call.conf);
  if (config === undefined) return plugin.add(call);
  const declaration = collectDeclaration(call, config, parts.warn);
  const result = plugin.add(call);
  let registered: readonly Instance[];
  try {
    registered = register(
      call,
      config,
      { result, declaration, startedAtUs, completes: parts.completes },
      parts,
    );
  } catch (error) {
    throw withLaterFailures(error, runAll([{ doing: 'detaching', run: () => plugin.del(call) }]));
  }
  if (!config.dns) return result;
  const namespace = registered[0]?.namespace ?? declaration.namespace ?? defaultNamespace;
  const networkLabel = networkLabelOf(registered) ?? toNetworkLabel(call.conf.name);
  return { ...result, dns: resolverOf(result, [`${namespace}.svc`, 'svc', networkLabel], config) };
}

/** The name goes first: nobody is to be sent to an address that is about to be somebody else's. */
function delRegistered(call: AttachmentCall, plugin: Plugin, parts: RegistrarParts): void {
  const startedAtUs = parts.nowUs();
  const withdrawn = failuresOf(() => withdrawStated(call, startedAtUs, parts));
  throwCollected([...withdrawn, ...failuresOf(() => plugin.del(call))]);
}

function withdrawStated(call: AttachmentCall, startedAtUs: number, parts: RegistrarParts): void {
  const store = parseWithdrawalStore(call.conf);
  if (store !== undefined) withdraw(call, store, startedAtUs, parts);
}

function gcRegistered(call: NetworkCall, plugin: Plugin, parts: RegistrarParts): void {
  const config = parseRegistryConfig(call.conf);
  const failures = failuresOf(() => plugin.gc(call));
  const isRefused = failures.some(({ code }) => code === ErrorCode.invalidConfig);
  if (config === undefined || isRefused) throwCollected(failures);
  else throwCollected([...failures, ...failuresOf(() => collectRegistrations(call, config, parts))]);
}

/** Where names are required, a network without a store cannot take containers. */
function requireStore(config: RegistryConfig, isNeeded: boolean, { openStore }: RegistrarParts): void {
  if (config.policy !== 'required' && !isNeeded) return;
  try {
    openStore(config.store).revision();
  } catch (error) {
    throw new CniError(ErrorCode.pluginNotAvailable, messageOf(error), { cause: error });
  }
}

function networkLabelOf(registered: readonly Instance[]): string | undefined {
  const owner = registered[0]?.owner;
  return owner?.kind === 'container' ? owner.networkLabel : undefined;
}

/**
 * The agent answers at the network's gateways; names without dots are looked for in the container's own namespace first.
 * @param places below the zone where short names are looked for
 */
function resolverOf(result: Result, places: readonly string[], { zone }: RegistryConfig): ResultDns {
  const { nameservers = [], search = [] } = result.dns;
  return {
    ...result.dns,
    nameservers: [...new Set([...gatewaysOf(result), ...nameservers])],
    search: [...new Set([...places.map((place) => `${place}.${zone}`), ...search])],
  };
}
