import { netlinkCalls } from '../../lib/exec/netlink-calls.ts';
import { encodeMessage } from '../../lib/netlink/message.ts';
import { encodeOperation } from '../../lib/rtnetlink/encode.ts';
import { everyLinkOperation } from './every-link-operation.ts';

// Prints the message for each operation, in hexadecimal, with the numbers that the links have in its own namespace.

for (const operation of everyLinkOperation) {
  const indexOf = (link: string) => netlinkCalls().indexOf(link) || undefined;
  const request = encodeOperation(operation, { indexOf, netnsOf: () => undefined });
  console.log(request === undefined ? '' : encodeMessage({ ...request, sequence: 0 }).toString('hex'));
}
