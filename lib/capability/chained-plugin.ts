import { carryOut } from '../attach/carry-out.ts';
import { ownHostEnd } from '../attach/host-end.ts';
import { requireContainerNetns } from '../attach/netns.ts';
import { requireTools } from '../attach/ready.ts';
import type { AttachmentCall, NetworkCall, Plugin } from '../cni/dispatch.ts';
import { parseValidAttachments } from '../cni/netconf.ts';
import type { Result } from '../cni/result.ts';
import { runAll, throwCollected } from '../errors/collect.ts';
import { checkRules } from '../rules/check-rules.ts';
import { collectRules } from '../rules/collect-rules.ts';
import type { RulesOwner } from '../rules/record.ts';
import { type RulesParts, removeRules } from '../rules/remove-rules.ts';
import { isWithoutRules } from '../rules/rules.ts';
import { releaseForeign } from '../takeover/foreign.ts';
import { additionsAt } from './additions.ts';
import type { Capability, Wanted } from './capability.ts';
import { type Endpoint, endpointOf } from './endpoint.ts';

/** A capability as a plugin of its own, chained after whatever has attached the container. */
export function createChainedPlugin(capability: Capability, parts: RulesParts): Plugin {
  return {
    name: capability.name,
    add: (call) => add(call, capability, parts),
    del: (call) => del(call, capability, parts),
    check: (call) => check(call, capability, parts),
    gc: (call) => gc(call, capability, parts),
    status: ({ conf }) => requireTools(capability.open(conf)?.tools ?? [], parts.machine),
  };
}

/** What is asked for, and of what; undefined where the configuration asks for nothing. */
type Opened = { readonly wanted: Wanted; readonly result: Result; readonly endpoint: Endpoint };

function open({ conf, attachment }: AttachmentCall, capability: Capability): Opened | undefined {
  const wanted = capability.open(conf);
  const result = previousResult(conf);
  if (wanted === undefined) return undefined;
  return { wanted, result, endpoint: endpointOf(conf.name, attachment, result) };
}

/** @throws CniError code 7 where no plugin stands before it */
function previousResult(conf: NetworkCall['conf']): Result {
  return conf.prevResult() ?? conf.fields.missing('prevResult');
}

function add(call: AttachmentCall, capability: Capability, parts: RulesParts): Result {
  const { attachment, conf } = call;
  const opened = open(call, capability);
  if (opened === undefined) return previousResult(conf);
  requireContainerNetns(attachment, parts.machine);
  const { wanted, result, endpoint } = opened;
  const { rules, steps, flows, amend } = additionsAt([wanted], endpoint, parts.machine);
  const beneficiary = { attachment, network: conf.name, plugin: capability.name };
  carryOut({ before: [], rules, after: steps, flows }, beneficiary, parts);
  return amend(result);
}

/** @throws CniError after having done all that could be done */
function del(call: AttachmentCall, capability: Capability, parts: RulesParts): void {
  const { machine } = parts;
  const owner = ownerOf(call, capability);
  const removeOwn = () => {
    if (removeRules(owner, parts) || capability.foreign === undefined) return;
    releaseForeign(call, [capability.foreign], machine);
  };
  throwCollected(
    runAll([
      { doing: 'removing rules', run: removeOwn },
      { doing: 'removing the rest', run: () => capability.release(call, machine) },
    ]),
  );
}

/** @throws CniError code 999 naming the first thing that is not as ADD left it; code 7 without a prevResult */
function check(call: AttachmentCall, capability: Capability, parts: RulesParts): void {
  const opened = open(call, capability);
  if (opened === undefined) return;
  requireContainerNetns(call.attachment, parts.machine);
  const { wanted, endpoint } = opened;
  // Behind another plugin than ours the reference's may have written rules, which a container keeps until its DEL.
  const isOurs = endpoint.hostEnd === ownHostEnd(call);
  const isExpected = isOurs && !isWithoutRules(wanted.rules(endpoint, parts.machine));
  wanted.check(endpoint, parts.machine);
  checkRules({ owner: ownerOf(call, capability), isExpected }, parts);
}

function gc(call: NetworkCall, capability: Capability, parts: RulesParts): void {
  const attachments = parseValidAttachments(call.conf);
  throwCollected(
    runAll([
      {
        doing: 'removing rules',
        run: () => collectRules({ call, plugin: capability.name, attachments }, parts),
      },
      { doing: 'removing the rest', run: () => capability.collect(call, parts.machine) },
    ]),
  );
}

function ownerOf({ attachment, conf }: AttachmentCall, { name }: Capability): RulesOwner {
  return { ...attachment, network: conf.name, plugin: name };
}
