import { existsSync } from 'node:fs';
import { createJudge, proveAlive } from '../attach/liveness.ts';
import type { AttachmentCall, NetworkCall } from '../cni/dispatch.ts';
import { parseValidAttachments } from '../cni/netconf.ts';
import type { Result } from '../cni/result.ts';
import { CniError, ErrorCode, messageOf } from '../errors/cni-error.ts';
import type { Machine } from '../exec/machine.ts';
import { formatAddress, isLinkLocal6 } from '../net/address.ts';
import type { AttachmentKey, AttachmentRecord } from './attachment.ts';
import type { RegistryConfig } from './config.ts';
import { type Declaration, mergeDeclarations } from './declaration.ts';
import type { Instance } from './instance.ts';
import { planInstances } from './plan.ts';
import type { Warn } from './service-labels.ts';
import type { Store } from './store.ts';
import { StoreFailure } from './store-failure.ts';

/** What registering is done with. */
export type RegistrarParts = {
  readonly machine: Machine;
  /** Opens the store at a path. */
  readonly openStore: (path: string) => Store;
  /** Tells the operator, on stderr, what was left out. */
  readonly warn: Warn;
  /** CLOCK_MONOTONIC in microseconds. */
  readonly nowUs: () => number;
};

/** An attachment that was made, and what is to be said of it. */
export type Attached = {
  readonly result: Result;
  readonly declaration: Declaration;
  /** When its ADD began, in microseconds of CLOCK_MONOTONIC. */
  readonly startedAtUs: number;
  /** Whether what an earlier plugin of the same conflist has declared stays, where this one says nothing else. */
  readonly completes: boolean;
};

/**
 * Step 7 of an ADD: one transaction, after which the container is resolvable.
 * @returns what was registered
 * @throws CniError where the policy is `required` and the store fails, or where a DEL has overtaken this ADD
 */
export function register(
  call: AttachmentCall,
  config: RegistryConfig,
  attached: Attached,
  parts: RegistrarParts,
): readonly Instance[] {
  if (attached.result.ips.length === 0) return [];
  try {
    const store = parts.openStore(config.store);
    const key = keyOf(call);
    const proof = proveAlive(call.attachment.netns, parts.machine);
    const earlier = attached.completes ? store.attachment(key) : undefined;
    const isSame = earlier !== undefined && JSON.stringify(earlier.proof) === JSON.stringify(proof);
    const declaration = mergeDeclarations([attached.declaration, ...(isSame ? [earlier.declaration] : [])]);
    const instances = planInstances({ ...key, node: store.node }, declaration, attached.result);
    const { startedAtUs, result } = attached;
    return store.register({
      ...key,
      proof,
      startedAtUs,
      gateways: gatewaysOf(result),
      declaration,
      instances,
    });
  } catch (error) {
    if (!(error instanceof StoreFailure) || config.policy === 'required') throw error;
    parts.warn(`container ${call.attachment.containerId} is attached, but has no name: ${messageOf(error)}`);
    return [];
  }
}

/**
 * The gateways of a result's addresses, each once, in canonical text. Without IPv6's link-local ones: they mean nothing
 * to a resolver that is not told the interface, too.
 */
export function gatewaysOf({ ips }: Result): readonly string[] {
  const gateways = ips.flatMap(({ gateway }) => gateway ?? []);
  return [...new Set(gateways.filter((gateway) => !isLinkLocal6(gateway)).map(formatAddress))];
}

/**
 * Takes the attachment's names away. A store that is damaged or was never made gives no names, so it stops no DEL; one
 * that is full or busy still does.
 * @returns what was withdrawn
 * @throws StoreFailure with code 11
 */
export function withdraw(
  call: AttachmentCall,
  storePath: string,
  startedAtUs: number,
  parts: RegistrarParts,
): readonly Instance[] {
  const mayHaveNames = existsSync(storePath);
  try {
    return parts.openStore(storePath).withdraw(keyOf(call), startedAtUs);
  } catch (error) {
    if (!(error instanceof StoreFailure)) throw error;
    if (mayHaveNames && error.code === ErrorCode.tryAgainLater) throw error;
    parts.warn(`container ${call.attachment.containerId} could not be withdrawn: ${messageOf(error)}`);
    return [];
  }
}

/**
 * Whether every address of the attachment has its name.
 * @throws CniError code 999 naming the address that has none
 */
export function checkRegistered(
  call: AttachmentCall,
  config: RegistryConfig,
  result: Result,
  { openStore }: RegistrarParts,
): void {
  const { containerId } = call.attachment;
  const store = openStore(config.store);
  const key = keyOf(call);
  const declaration = store.attachment(key)?.declaration ?? {};
  const registered = new Set(store.ofAttachment(key).map(({ address }) => address));
  const expected = planInstances({ ...key, node: store.node }, declaration, result);
  const lost = expected.map(({ address }) => address).find((address) => !registered.has(address));
  if (lost === undefined) return;
  throw new CniError(
    ErrorCode.internal,
    `${lost} of container ${containerId} is not in the registry ${config.store}; ` +
      '"fairlead agent" restores what is missing, or DEL and ADD the container again',
  );
}

/**
 * Withdraws what the network has of attachments that the runtime does not know any more, or that are proven dead.
 * @returns what was withdrawn
 */
export function collectRegistrations(
  call: NetworkCall,
  config: RegistryConfig,
  parts: RegistrarParts,
): readonly Instance[] {
  const attachments = parseValidAttachments(call.conf);
  const valid = attachments && new Set(attachments.map((key) => `${key.containerId}/${key.ifName}`));
  const isStale = (record: AttachmentRecord) =>
    valid !== undefined && !valid.has(`${record.containerId}/${record.ifName}`);
  const store = parts.openStore(config.store);
  const judge = createJudge(parts.machine);
  return store
    .attachments()
    .filter(({ network }) => network === call.conf.name)
    .filter((record) => isStale(record) || judge(record.proof).state === 'dead')
    .flatMap((record) => store.withdraw(record, parts.nowUs(), record.proof));
}

function keyOf({ conf, attachment }: AttachmentCall): AttachmentKey {
  return { network: conf.name, containerId: attachment.containerId, ifName: attachment.ifName };
}
