import { encodeAttribute, encodeNest, type NetlinkRequest, netlinkFlag } from '../netlink/message.ts';
import { netfilterRequest } from '../netlink/netfilter.ts';
import { toTerminated } from '../netlink/values.ts';
import { encodeParts } from './encode-parts.ts';
import type { NftElement, NftOperation } from './operation.ts';
import type { FindSetTypes } from './set-types.ts';

/** NFPROTO_… of linux/netfilter.h. */
const familyNumber = { inet: 1, bridge: 7 } as const;
/** NFNL_MSG_BATCH_… of linux/netfilter/nfnetlink.h, which name the part of the kernel that a transaction is for. */
const batchType = { begin: 0x10, end: 0x11 } as const;
const nftables = 10;
/** Commands and attributes of linux/netfilter/nf_tables.h. */
const command = { newElement: 12, deleteElement: 14 } as const;
const listAttribute = { table: 1, set: 2, elements: 3 } as const;
const listItem = 1;
const elementAttribute = { key: 1, data: 2, userData: 6 } as const;
const dataAttribute = { value: 1, verdict: 2 } as const;
const verdictAttribute = { code: 1, chain: 2 } as const;
const goTo = -4;
/** What nft keeps in an element for itself: type, length and a text that ends with a zero. */
const commentType = 0;
const longestComment = 127;

type ElementOperation = Extract<NftOperation, { readonly key: readonly string[] }>;

/** One message of an element, as far as it differs from others. */
type ElementMessage = {
  readonly command: number;
  readonly flags: number;
  readonly element: NftElement;
};

/**
 * The messages of one transaction that does what `nft` does with the lines of the same operations. Only its last operation
 * is answered when it has gone well, and after all that went wrong: answers to each would fill the socket's buffer.
 * @param findTypes tells the types of the sets that the operations name
 * @returns undefined where any of them is not for an element, or has what only nft can read
 */
export function encodeNft(
  operations: readonly NftOperation[],
  findTypes: FindSetTypes,
): readonly NetlinkRequest[] | undefined {
  const messages: NetlinkRequest[] = [];
  for (const message of operations.flatMap(toMessages)) {
    const encoded = message === undefined ? undefined : encodeElement(message, findTypes);
    if (encoded === undefined) return undefined;
    messages.push(encoded);
  }
  return [boundary(batchType.begin), ...answeredAtEnd(messages), boundary(batchType.end)];
}

function toMessages(operation: NftOperation): readonly (ElementMessage | undefined)[] {
  switch (operation.kind) {
    case 'add-element':
      return [adding(operation)];
    case 'create-element':
      return [{ ...adding(operation), flags: netlinkFlag.create | netlinkFlag.exclusive }];
    case 'delete-element':
      return [deleting(operation)];
    case 'remove-element':
      return [adding(operation), deleting(operation)];
    default:
      return [undefined];
  }
}

function adding(element: ElementOperation): ElementMessage {
  return { command: command.newElement, flags: netlinkFlag.create, element };
}

function deleting(element: ElementOperation): ElementMessage {
  return { command: command.deleteElement, flags: 0, element };
}

function encodeElement(
  { command, flags, element }: ElementMessage,
  findTypes: FindSetTypes,
): NetlinkRequest | undefined {
  const { table, set } = element;
  const attributes = elementAttributes(element, findTypes);
  if (attributes === undefined) return undefined;
  const item = encodeNest(listItem, ...attributes);
  return netfilterRequest('nftables', command, {
    flags,
    family: familyNumber[table.family],
    attributes: [
      encodeAttribute(listAttribute.table, toTerminated(table.name)),
      encodeAttribute(listAttribute.set, toTerminated(set)),
      encodeNest(listAttribute.elements, item),
    ],
  });
}

/** A map takes no element without a value, but to delete one its key is enough. */
function elementAttributes(element: NftElement, findTypes: FindSetTypes): readonly Buffer[] | undefined {
  const found = findTypes(element);
  const key = found === undefined ? undefined : encodeParts(element.key, found.types);
  const value = encodeValue(element.value, found?.values);
  const comment = encodeComment(element.comment);
  if (key === undefined || value === undefined || comment === undefined) return undefined;
  return [encodeNest(elementAttribute.key, encodeAttribute(dataAttribute.value, key)), ...value, ...comment];
}

/** Nothing for an element without a value; undefined for one that cannot be encoded. */
function encodeValue(
  value: readonly string[] | undefined,
  types: readonly string[] | undefined,
): readonly Buffer[] | undefined {
  if (value === undefined) return [];
  if (types === undefined) return undefined;
  const data = types[0] === 'verdict' ? encodeVerdict(value) : encodeData(value, types);
  return data === undefined ? undefined : [encodeNest(elementAttribute.data, data)];
}

function encodeData(value: readonly string[], types: readonly string[]): Buffer | undefined {
  const bytes = encodeParts(value, types);
  return bytes === undefined ? undefined : encodeAttribute(dataAttribute.value, bytes);
}

function encodeVerdict([verdict = '', ...more]: readonly string[]): Buffer | undefined {
  const [, chain] = /^goto ([A-Za-z]\w{0,127})$/.exec(verdict) ?? [];
  if (chain === undefined || more.length > 0) return undefined;
  const code = Buffer.alloc(4);
  code.writeInt32BE(goTo);
  return encodeNest(
    dataAttribute.verdict,
    encodeAttribute(verdictAttribute.code, code),
    encodeAttribute(verdictAttribute.chain, toTerminated(chain)),
  );
}

function encodeComment(comment: string | undefined): readonly Buffer[] | undefined {
  if (comment === undefined) return [];
  if (!/^[\x20-\x7e]*$/.test(comment) || comment.length > longestComment || comment.includes('"'))
    return undefined;
  const text = toTerminated(comment);
  const header = Buffer.from([commentType, text.length]);
  return [encodeAttribute(elementAttribute.userData, Buffer.concat([header, text]))];
}

function answeredAtEnd(messages: readonly NetlinkRequest[]): readonly NetlinkRequest[] {
  return messages.map((message, at) =>
    at === messages.length - 1 ? { ...message, flags: message.flags | netlinkFlag.ack } : message,
  );
}

/** `struct nfgenmsg` with the part's number in network order. */
function boundary(type: number): NetlinkRequest {
  return { type, flags: netlinkFlag.request, body: Buffer.from([0, 0, 0, nftables]) };
}
