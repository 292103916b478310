import { listOf, objectOf, textOf } from '../../iproute/json.ts';
import { type IpAddress, parseAddress } from '../../net/address.ts';
import { firewallTable } from '../../rules/tables.ts';

/** An address of a container that the plugin `firewall` marks, so that another firewall lets it through. */
export type AdmittedAddress = {
  /** By which interface of the host it is reached. */
  readonly link: string;
  readonly address: IpAddress;
  /** Which attachment it is of; two have not the same. */
  readonly owner: string;
};

/** Those of the output of `nft -j list ruleset`. */
export function parseAdmitted(text: string): readonly AdmittedAddress[] {
  const objects = listOf(objectOf(JSON.parse(text)).nftables).map(objectOf);
  return objects
    .map(({ set }) => objectOf(set))
    .filter(({ family, table }) => family === firewallTable.family && table === firewallTable.name)
    .filter(({ name }) => name === 'admitted4' || name === 'admitted6')
    .flatMap(({ elem }) => listOf(elem).flatMap(toAdmitted));
}

function toAdmitted(element: unknown): readonly AdmittedAddress[] {
  const { val, comment } = objectOf(objectOf(element).elem);
  const [link, text] = listOf(objectOf(val).concat).map(textOf);
  const address = parseAddress(text ?? '');
  return link === undefined || address === undefined ? [] : [{ link, address, owner: textOf(comment) }];
}
