import { resolve } from 'node:path';
import { parseArgs } from 'node:util';

/** A part of the bench that can be run alone. */
export type Part = 'overlay' | 'routed' | 'conflist' | 'resident';

/** What the command line asks for. */
export type Options = {
  readonly isQuick: boolean;
  /** The one part that is measured; undefined for all. */
  readonly only: Part | undefined;
  /** Whether results.json, instead of the tables, goes to stdout. */
  readonly printsJson: boolean;
  /** Whether the results are also put where the README shows them. */
  readonly publishes: boolean;
  readonly rounds: number;
  readonly binDir: string;
};

/** What `--help` prints. */
export const usage = `npm run bench -- [options]     (as root)

Compares our plugins with the reference's, our agent's DNS with dnsmasq and our overlay with flanneld's, in network
namespaces of its own.

  --quick      fewer rounds, no 50,000 leases, no 1,000 attached, 100 resolved: about 2 minutes
  --overlay    only the overlay, about 6 minutes (with --quick 2); its tables go to stdout and nowhere else
  --routed     only ptp and routed, about 4 minutes (with --quick 2); the same
  --conflist   only whole conflists, about 10 minutes (with --quick 2); the same
  --resident   only calls that the agent carries out, beside both sides' executables, about 10 minutes (with --quick 2)
  --rounds N   samples of each figure (default 40, quick 8); a fifth of it for 50 at once, a quarter for DNS
  --bin DIR    the executables to measure (default dist/bin)
  --json       print the results as JSON instead of tables
  --publish    also copy tables, plot and results to test/bench
`;

/**
 * Reads the command line.
 * @returns undefined where help is asked for
 * @throws Error saying what is wrong with it
 */
export function parseOptions(args: readonly string[], root: string): Options | undefined {
  const { values } = parseArgs({ args: [...args], options: known });
  if (values.help === true) return undefined;
  const isQuick = values.quick === true;
  return {
    isQuick,
    only: parts.find((part) => values[part] === true),
    printsJson: values.json === true,
    publishes: values.publish === true,
    rounds: parseRounds(values.rounds ?? (isQuick ? '8' : '40')),
    binDir: values.bin === undefined ? `${root}/dist/bin` : resolve(values.bin),
  };
}

const parts: readonly Part[] = ['overlay', 'routed', 'conflist', 'resident'];

const known = {
  quick: { type: 'boolean' },
  overlay: { type: 'boolean' },
  routed: { type: 'boolean' },
  conflist: { type: 'boolean' },
  resident: { type: 'boolean' },
  json: { type: 'boolean' },
  publish: { type: 'boolean' },
  rounds: { type: 'string' },
  bin: { type: 'string' },
  help: { type: 'boolean', short: 'h' },
} as const;

function parseRounds(text: string): number {
  const rounds = Number(text);
  if (Number.isInteger(rounds) && rounds >= 1 && rounds <= 10_000) return rounds;
  throw new Error(`--rounds: a whole number from 1 to 10,000, not ${JSON.stringify(text)}`);
}
