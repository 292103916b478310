import { admittedMark } from '../../iptables/marks.ts';
import { parseCidr } from '../../net/cidr.ts';
import type { Condition, FilterPlace, FilterRule, Firewall, RuleOutcome } from './firewall.ts';

type Program = Extract<FilterPlace, { kind: 'iptables-legacy' }>['program'];

/** Output of `iptables-legacy -S`: a line for each chain and each rule of the table `filter`. */
export function parseIptables(text: string, program: Program): Firewall {
  const lines = text.split('\n').map(toWords);
  const policy = lines.find(([verb, chain]) => verb === '-P' && chain === 'FORWARD')?.[2];
  const rules = lines.filter(([verb]) => verb === '-A');
  return {
    entries: [
      {
        id: 'FORWARD',
        title: `chain FORWARD of ${program}`,
        place: { kind: 'iptables-legacy', program },
        sees: [program === 'iptables-legacy' ? 4 : 6],
        policy: policy === 'DROP' ? 'drop' : 'accept',
      },
    ],
    chains: new Map(
      [...Map.groupBy(rules, ([, chain = '']) => chain)].map(([chain, list]) => [
        chain,
        list.map((words) => toRule(words.slice(2))),
      ]),
    ),
  };
}

/** Split at blanks; a text in quotation marks is one word. */
function toWords(line: string): readonly string[] {
  return line.match(/"(?:[^"\\]|\\.)*"|\S+/g) ?? [];
}

type Options = readonly {
  readonly name: string;
  readonly isNot: boolean;
  readonly values: readonly string[];
}[];

function toRule(words: readonly string[]): FilterRule {
  const options = toOptions(words);
  const jump = options.find(({ name }) => name === '-j' || name === '-g');
  // What follows the target is the target's.
  const before = options.slice(0, jump === undefined ? options.length : options.indexOf(jump));
  return { match: before.flatMap(toConditions), outcome: toOutcome(jump) };
}

/** Options with what stands behind them; `!` stands before. */
function toOptions(words: readonly string[]): Options {
  const options: { name: string; isNot: boolean; values: string[] }[] = [];
  let isNot = false;
  for (const word of words) {
    if (word === '!') isNot = true;
    else if (word.startsWith('-')) {
      options.push({ name: word, isNot, values: [] });
      isNot = false;
    } else options.at(-1)?.values.push(word);
  }
  return options;
}

function toConditions({ name, isNot, values: [value = ''] }: Options[number]): readonly Condition[] {
  switch (name) {
    case '-m':
    case '--comment':
      return [];
    case '-i':
    case '-o':
      return [{ by: name === '-i' ? 'in' : 'out', isNot, names: [value.replace(/\+$/, '*')] }];
    case '-s':
    case '-d': {
      const network = parseCidr(value);
      const by = name === '-s' ? 'source' : 'destination';
      return [network === undefined ? { by: 'unknown' } : { by, isNot, networks: [network] }];
    }
    case '--ctstate':
    case '--state':
      return [{ by: 'state', isNot, names: value.toLowerCase().split(',') }];
    case '--mark':
      return [value === `${admittedMark}/${admittedMark}` ? { by: 'admitted', isNot } : { by: 'unknown' }];
    default:
      return [{ by: 'unknown' }];
  }
}

const verdicts = { ACCEPT: 'accept', DROP: 'drop', REJECT: 'drop', RETURN: 'return' } as const;
const passing = ['LOG', 'NFLOG', 'MARK', 'CONNMARK', 'TCPMSS', 'TRACE'];

function toOutcome(jump: Options[number] | undefined): RuleOutcome {
  const target = jump?.values[0];
  if (jump === undefined || target === undefined || passing.includes(target)) return { kind: 'continue' };
  const verdict = Object.entries(verdicts).find(([name]) => name === target)?.[1];
  if (verdict !== undefined) return { kind: verdict };
  return { kind: jump.name === '-g' ? 'goto' : 'jump', chain: target };
}
