import type { AttachmentCall, NetworkCall, Plugin } from '../cni/dispatch.ts';
import type { Result, ResultDns } from '../cni/result.ts';
import { CniError, ErrorCode, messageOf } from '../errors/cni-error.ts';
import {
  type CleanupStep,
  failuresOf,
  runAll,
  throwCollected,
  withLaterFailures,
} from '../errors/collect.ts';
import { parseRegistryConfig, parseWithdrawal, type RegistryConfig, type Withdrawal } from './config.ts';
import { defaultNamespace, type Instance } from './instance.ts';
import { toNetworkLabel } from './label.ts';
import {
  findForgiving,
  findOutside,
  type Outside,
  requireDeliverable,
  type TellingParts,
} from './outside/outside.ts';
import { tellRegistered, tellWithdrawn, toldOf } from './outside/tell.ts';
import {
  type Attached,
  checkRegistered,
  collectRegistrations,
  gatewaysOf,
  register,
  withdraw,
} from './registrar.ts';
import { collectDeclaration } from './sources.ts';

/**
 * A plugin whose attachments are registered: after its ADD, and withdrawn before its DEL. An ADD that cannot be
 * registered, where its policy requires that, is taken back.
 * @param completes whether it follows another plugin in the conflist, which may have registered the attachment already
 */
export function withRegistry(plugin: Plugin, parts: TellingParts, { completes = false } = {}): Plugin {
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
      if (config !== undefined) requireRegistries(config, completes, parts);
      plugin.status(call);
    },
  };
}

function addRegistered(
  call: AttachmentCall,
  plugin: Plugin,
  parts: TellingParts & { completes: boolean },
): Result {
  const startedAtUs = parts.nowUs();
  const config = parseRegistryConfig(call.conf);
  if (config === undefined) return plugin.add(call);
  const outside = findOutside(config, parts);
  if (outside !== undefined) requireDeliverable(outside);
  const declaration = collectDeclaration(call, config, parts.warn);
  const result = plugin.add(call);
  const detach = { doing: 'detaching', run: () => plugin.del(call) };
  const attached = { result, declaration, startedAtUs, completes: parts.completes };
  const registered = orUndo([detach], () => register(call, config, attached, parts));
  if (outside !== undefined) {
    const takeBack = takingBack({ call, outside, registered, startedAtUs }, parts);
    orUndo([takeBack, detach], () => tellRegistered(outside, registered, parts));
  }
  return config.dns ? withResolver({ call, config, attached, registered }) : result;
}

/** @throws CniError with what failed first, and what of the undoing failed */
function orUndo<T>(steps: readonly CleanupStep[], work: () => T): T {
  try {
    return work();
  } catch (error) {
    throw withLaterFailures(error, runAll(steps));
  }
}

type Registered = {
  readonly call: AttachmentCall;
  readonly outside: Outside;
  readonly registered: readonly Instance[];
  readonly startedAtUs: number;
};

/** Withdrawn as by a DEL at the ADD's own beginning: what a later ADD of the attachment has registered stays. */
function takingBack(
  { call, outside, registered, startedAtUs }: Registered,
  parts: TellingParts,
): CleanupStep {
  return {
    doing: 'withdrawing',
    run: () => {
      // Whoever has not confirmed in time would not do so now, either: it is told by the next delivery.
      const told = toldOf(outside, registered, parts);
      withdraw(call, outside.store, startedAtUs, parts);
      tellWithdrawn(outside, parts, told);
    },
  };
}

/** The name goes first: nobody is to be sent to an address that is about to be somebody else's. */
function delRegistered(call: AttachmentCall, plugin: Plugin, parts: TellingParts): void {
  const startedAtUs = parts.nowUs();
  const withdrawn = failuresOf(() => withdrawStated(call, startedAtUs, parts));
  throwCollected([...withdrawn, ...failuresOf(() => plugin.del(call))]);
}

function withdrawStated(call: AttachmentCall, startedAtUs: number, parts: TellingParts): void {
  const from = parseWithdrawal(call.conf);
  if (from === undefined) return;
  const withdrawn = withdraw(call, from.store, startedAtUs, parts);
  tellOfWithdrawal(withdrawn, from, parts);
}

function gcRegistered(call: NetworkCall, plugin: Plugin, parts: TellingParts): void {
  const config = parseRegistryConfig(call.conf);
  const failures = failuresOf(() => plugin.gc(call));
  const isRefused = failures.some(({ code }) => code === ErrorCode.invalidConfig);
  const collecting =
    config === undefined || isRefused
      ? []
      : failuresOf(() => tellOfWithdrawal(collectRegistrations(call, config, parts), config, parts));
  throwCollected([...failures, ...collecting]);
}

function tellOfWithdrawal(withdrawn: readonly Instance[], from: Withdrawal, parts: TellingParts): void {
  const outside = withdrawn.length === 0 ? undefined : findForgiving(from, parts);
  if (outside !== undefined) tellWithdrawn(outside, parts);
}

/** Where names are required, a network without a store, or whose mirrors nobody serves, cannot take containers. */
function requireRegistries(config: RegistryConfig, isNeeded: boolean, parts: TellingParts): void {
  if (config.policy !== 'required' && !isNeeded) return;
  try {
    parts.openStore(config.store).revision();
    const outside = config.policy === 'required' ? findOutside(config, parts) : undefined;
    if (outside !== undefined) requireDeliverable(outside);
  } catch (error) {
    throw new CniError(ErrorCode.pluginNotAvailable, messageOf(error), { cause: error });
  }
}

type Resolvable = Pick<Registered, 'call' | 'registered'> & {
  readonly config: RegistryConfig;
  readonly attached: Attached;
};

/**
 * The agent answers at the network's gateways; names without dots are looked for in the container's own namespace first.
 */
function withResolver({ call, config: { zone }, attached, registered }: Resolvable): Result {
  const { result, declaration } = attached;
  const { nameservers = [], search = [] } = result.dns;
  const namespace = registered[0]?.namespace ?? declaration.namespace ?? defaultNamespace;
  const networkLabel = networkLabelOf(registered) ?? toNetworkLabel(call.conf.name);
  const places = [`${namespace}.svc`, 'svc', networkLabel];
  const dns: ResultDns = {
    ...result.dns,
    nameservers: [...new Set([...gatewaysOf(result), ...nameservers])],
    search: [...new Set([...places.map((place) => `${place}.${zone}`), ...search])],
  };
  return { ...result, dns };
}

function networkLabelOf(registered: readonly Instance[]): string | undefined {
  const owner = registered[0]?.owner;
  return owner?.kind === 'container' ? owner.networkLabel : undefined;
}
