import { defaultShareFile } from '../../lib/blocks/share.ts';
import { type Fields, unexpected } from '../../lib/cni/fields.ts';
import type { NetConf } from '../../lib/cni/netconf.ts';
import { CniError, ErrorCode } from '../../lib/errors/cni-error.ts';

/** Where a container's addresses come from: an IPAM that the configuration names, or what the agent keeps for this host. */
export type AddressSource =
  | { readonly kind: 'ipam' }
  | {
      readonly kind: 'share';
      /** Absolute path of the agent's file. */
      readonly path: string;
      /** The configuration's, as IPAM is to be given them. */
      readonly routes: readonly unknown[];
    };

/** @throws CniError code 7 naming the field */
export function parseSource({ fields }: NetConf): AddressSource {
  if (fields.raw('ipam') !== undefined) return parseIpam(fields);
  refuseRanges(fields);
  const path = fields.parsed('blocksFile', 'an absolute path', (text) =>
    /^\/[\x21-\x7e]+$/.test(text) ? text : undefined,
  );
  return {
    kind: 'share',
    path: path ?? defaultShareFile,
    routes: fields.array('routes', (route) => route) ?? [],
  };
}

function parseIpam(fields: Fields): AddressSource {
  if ((fields.object('ipam')?.string('type') ?? '') === '') fields.object('ipam')?.missing('type');
  if (!fields.has('blocksFile')) return { kind: 'ipam' };
  throw new CniError(
    ErrorCode.invalidConfig,
    'ipam and blocksFile cannot both be set: addresses are leased by that plugin, or from what the agent keeps for this host',
  );
}

/** Another range would have addresses that are other hosts'. */
function refuseRanges(fields: Fields): void {
  const ranges = fields.object('runtimeConfig')?.raw('ipRanges');
  if (ranges === undefined) return;
  throw unexpected('runtimeConfig.ipRanges', 'nothing: the agent says what this host leases from', ranges);
}
