import { type Proof, parseProof } from '../attach/liveness.ts';
import { Fields } from '../cni/fields.ts';
import { type AttachmentId, isContainerId } from '../cni/invocation.ts';
import { formatAddress, parseAddress } from '../net/address.ts';
import { parseIfName } from '../net/ifname.ts';
import type { Flow } from '../plan/flow.ts';
import { parseOwnRule, parseSharedRule } from './parse-rule.ts';
import type { Rules } from './rules.ts';

/** Whose rules these are: of two plugins of one conflist each has its own. */
export type RulesOwner = AttachmentId & {
  readonly network: string;
  /** The name of the plugin that has written them. */
  readonly plugin: string;
};

/** What an ADD has written for an attachment: by it DEL removes, CHECK compares and the agent puts back. */
export type RulesRecord = {
  readonly owner: RulesOwner;
  readonly proof: Proof;
  readonly rules: Rules;
  /** What the rules lead, which conntrack is to forget when they go. */
  readonly flows: readonly Flow[];
  /** Names the time since somebody was last seen to have flushed the ruleset. */
  readonly epoch: string;
  /** CLOCK_MONOTONIC in milliseconds when this was recorded; 0 by earlier builds. */
  readonly atMs: number;
};

export function renderRecord({ owner, proof, rules, flows, epoch, atMs }: RulesRecord): string {
  const written = flows.map(({ address, ...flow }) => ({
    ...flow,
    ...(address === undefined ? {} : { address: formatAddress(address) }),
  }));
  return JSON.stringify({ version, owner, proof, epoch, atMs, ...rules, flows: written });
}

const version = 1;

/**
 * Only root can write a record; it is read as strictly all the same, since what it holds goes to nft as it stands.
 * @throws CniError code 7, or SyntaxError, for what no version of ours has written
 */
export function parseRecord(text: string, path: string): RulesRecord {
  const fields = new Fields(JSON.parse(text), path);
  if (fields.integer('version', { min: version, max: version }) === undefined) fields.missing('version');
  return {
    owner: parseOwner(fields.object('owner') ?? fields.missing('owner')),
    proof: parseProof(fields.object('proof') ?? fields.missing('proof')),
    rules: {
      shared: fields.array('shared', parseSharedRule) ?? [],
      own: fields.array('own', parseOwnRule) ?? [],
    },
    flows: fields.array('flows', parseFlow) ?? [],
    epoch: fields.string('epoch') ?? '',
    atMs: fields.integer('atMs', { min: 0, max: Number.MAX_SAFE_INTEGER }) ?? 0,
  };
}

function parseOwner(fields: Fields): RulesOwner {
  const name = (field: string) => fields.parsed(field, 'a name', toName) ?? fields.missing(field);
  return {
    network: name('network'),
    plugin: name('plugin'),
    containerId: name('containerId'),
    ifName: fields.parsed('ifName', 'the name of an interface', parseIfName) ?? fields.missing('ifName'),
  };
}

function toName(text: string): string | undefined {
  return isContainerId(text) ? text : undefined;
}

function parseFlow(item: unknown, path: string): Flow {
  const fields = new Fields(item, path);
  const protocol = (['tcp', 'udp', 'sctp'] as const).find((each) => each === fields.string('protocol'));
  const port = fields.integer('port', { min: 1, max: 65_535 });
  const address = fields.parsed('address', 'an address', parseAddress);
  return {
    protocol: protocol ?? fields.missing('protocol'),
    family: ([4, 6] as const).find((each) => each === fields.raw('family')) ?? fields.missing('family'),
    port: port ?? fields.missing('port'),
    ...(address === undefined ? {} : { address }),
  };
}
