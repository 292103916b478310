import { hasAddress, type Share } from '../../lib/blocks/share/share.ts';
import { formatAddress, parseAddress } from '../../lib/net/address.ts';

/**
 * Sees to it that no address is ever leased from by two hosts: told each share when it is written, before any plugin can
 * read it, it compares it with those of all others, and with what their containers have.
 */
export class SharesWatch {
  readonly #shares = new Map<string, Share>();
  readonly #containers = new Map<string, () => Iterable<string>>();
  /** What was found to be two hosts' at a time. */
  readonly violations: string[] = [];

  /** @param leased what the host's containers have, when asked */
  add(node: string, leased: () => Iterable<string>): void {
    this.#containers.set(node, leased);
  }

  note(node: string, share: Share): void {
    this.#shares.set(node, share);
    const others = [...this.#shares].filter(([other]) => other !== node);
    for (const [other, theirs] of others) {
      const both = addressesOf(share).filter((text) => has(theirs, text));
      if (both.length > 0) this.violations.push(`${both.join(', ')} shared by ${node} and ${other}`);
      const used = [...(this.#containers.get(other)?.() ?? [])].filter((text) => has(share, text));
      if (used.length > 0)
        this.violations.push(`${used.join(', ')} of a container of ${other} shared by ${node}`);
    }
  }
}

function addressesOf({ ranges }: Share): readonly string[] {
  return ranges.flatMap(({ first, last }) =>
    Array.from({ length: Number(last.bits - first.bits) + 1 }, (_, at) =>
      formatAddress({ family: first.family, bits: first.bits + BigInt(at) }),
    ),
  );
}

function has(share: Share, text: string): boolean {
  const address = parseAddress(text);
  return address !== undefined && hasAddress(share, address);
}
