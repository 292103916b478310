import { defaultShareFile } from '../../lib/blocks/share/share.ts';
import { type Fields, unexpected } from '../../lib/cni/fields.ts';
import type { NetConf } from '../../lib/cni/netconf.ts';
import { CniError, ErrorCode } from '../../lib/errors/cni-error.ts';

/** Where a container's addresses come from: an IPAM that the configuration names, or what the agent keeps for this host. */
export type AddressSource = { readonly kind: 'ipam' } | ShareSource;

/** The agent's file, and what the configuration says about leases from it. */
type ShareSource = {
  readonly kind: 'share';
  /** Absolute path of the agent's file. */
  readonly path: string;
  /** Absolute path of the leases where the file cannot tell; undefined for host-local's own. */
  readonly dataDir: string | undefined;
  /** The configuration's, as IPAM is to be given them. */
  readonly routes: readonly unknown[];
};

/** @throws CniError code 7 naming the field */
export function parseSource({ fields }: NetConf): AddressSource {
  if (fields.raw('ipam') !== undefined) return parseIpam(fields);
  refuseRanges(fields);
  return {
    kind: 'share',
    path: parsePath(fields, 'blocksFile') ?? defaultShareFile,
    dataDir: parsePath(fields, 'dataDir'),
    routes: fields.array('routes', (route) => route) ?? [],
  };
}

function parseIpam(fields: Fields): AddressSource {
  if ((fields.object('ipam')?.string('type') ?? '') === '') fields.object('ipam')?.missing('type');
  const name = (['blocksFile', 'dataDir'] as const).find((name) => fields.has(name));
  if (name === undefined) return { kind: 'ipam' };
  throw new CniError(
    ErrorCode.invalidConfig,
    `ipam and ${name} cannot both be set: addresses are leased by that plugin, or from what the agent keeps for this host`,
  );
}

function parsePath(fields: Fields, name: 'blocksFile' | 'dataDir'): string | undefined {
  return fields.parsed(name, 'an absolute path', (text) =>
    /^\/[\x21-\x7e]+$/.test(text) ? text : undefined,
  );
}

/** Another range would have addresses that are other hosts'. */
function refuseRanges(fields: Fields): void {
  const ranges = fields.object('runtimeConfig')?.raw('ipRanges');
  if (ranges === undefined) return;
  throw unexpected('runtimeConfig.ipRanges', 'nothing: the agent says what this host leases from', ranges);
}
