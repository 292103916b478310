import { forgetFlows } from '../../lib/exec/conntrack.ts';
import { parseAddress } from '../../lib/net/address.ts';
import type { Flow } from '../../lib/plan/flow.ts';

// Has the connections of its own namespace forgotten that its arguments tell of: flows in JSON with their addresses as
// text, and the limit in milliseconds.

type TextFlow = Omit<Flow, 'address'> & { readonly address?: string };

const flows = JSON.parse(process.argv[2] ?? '[]') as readonly TextFlow[];
forgetFlows(flows.map(toFlow), process.argv[3] === undefined ? undefined : Number(process.argv[3]));

function toFlow({ address: text, ...flow }: TextFlow): Flow {
  const address = parseAddress(text ?? '');
  return address === undefined ? flow : { ...flow, address };
}
