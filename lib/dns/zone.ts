import type { Instance } from '../registry/instance.ts';
import { type Answer, bareAnswer, type Contents, negativeAnswer, positiveAnswer } from './answer.ts';
import { type Asking, findOfApex, soaOf } from './apex.ts';
import { parseReverseName, type ReverseName } from './arpa.ts';
import { type Labels, labelsBelow } from './name.ts';
import type { Question } from './query.ts';
import type { RecordTypeName } from './record.ts';
import { visibleOf } from './scope.ts';
import { targetOf } from './service-contents.ts';
import { Rcode, RecordClass, RecordType } from './wire.ts';
import { findContents } from './zone-names.ts';

export type ZoneAnswer = Answer & {
  /** Whether an upstream is to be asked instead, where there is one. */
  readonly forwardable: boolean;
};

/**
 * What the registry answers. The names of its zone and of its addresses are its own; others can be forwarded. A name
 * without the type asked for is no error: NXDOMAIN to a question for AAAA would take the name's A away as well.
 */
export function answerQuestion(question: Question, asking: Asking): ZoneAnswer {
  if (isRefused(question)) return { ...bareAnswer(Rcode.refused), forwardable: false };
  const below = labelsBelow(question.labels, asking.zone.labels);
  if (below !== undefined) return { ...answerInZone(question, below, asking), forwardable: false };
  const reverse = parseReverseName(question.labels);
  if (reverse !== undefined) return answerReverse(question, reverse, asking);
  return { ...bareAnswer(Rcode.refused), forwardable: true };
}

/** Zone transfers, and classes in which nothing is registered. */
function isRefused({ type, class: asked }: Question): boolean {
  const isTransfer = type === RecordType.AXFR || type === RecordType.IXFR;
  return isTransfer || (asked !== RecordClass.IN && asked !== RecordClass.ANY);
}

function answerInZone(question: Question, below: Labels, asking: Asking): Answer {
  const { view, scope, zone } = asking;
  const lookup = { view, scope, zone: zone.labels, ttlSeconds: zone.ttlSeconds };
  const contents = findOfApex(below, asking) ?? findContents(below, lookup);
  return answerFrom(contents, question, { asking, soaName: zone.labels });
}

/** An address has one PTR record, whatever is registered there: a container's own name, or else its first instance's. */
function answerReverse(question: Question, reverse: ReverseName, asking: Asking): ZoneAnswer {
  const holder = reverse.address === undefined ? undefined : holderOf(reverse.address, asking);
  if (holder !== undefined) {
    const target = targetOf(holder, asking.zone.labels);
    const contents: Contents = { sets: { PTR: () => [{ type: 'PTR', target }] } };
    const answer = answerFrom(contents, question, { asking, soaName: question.labels });
    return { ...answer, forwardable: false };
  }
  if (reverse.privateZone === undefined) return { ...bareAnswer(Rcode.refused), forwardable: true };
  const rcode = reverse.isPrefix ? Rcode.noError : Rcode.nxDomain;
  return { ...negativeAnswer(rcode, soaOf(reverse.privateZone, asking)), forwardable: true };
}

function holderOf(address: string, { view, scope }: Asking): Instance | undefined {
  const visible = visibleOf(view.atAddress(address), scope);
  return visible.find(({ owner }) => owner.kind === 'container') ?? visible[0];
}

/** @param contents undefined for a name that does not exist */
function answerFrom(
  contents: Contents | undefined,
  question: Question,
  { asking, soaName }: { readonly asking: Asking; readonly soaName: Labels },
): Answer {
  const { ttlSeconds } = asking.zone;
  for (const type of typesOf(question)) {
    const set = contents?.sets[type]?.() ?? [];
    if (set.length === 0) continue;
    const answers = set.map((data) => ({ name: question.labels, ttlSeconds, data }));
    return positiveAnswer(answers, contents?.additional?.[type]?.() ?? []);
  }
  const rcode = contents === undefined ? Rcode.nxDomain : Rcode.noError;
  return negativeAnswer(rcode, soaOf(soaName, asking));
}

/** In this order, for ANY is answered with one set only (RFC 8482, section 4.1): the first that there is. */
const answerTypes: readonly RecordTypeName[] = ['A', 'AAAA', 'SRV', 'PTR', 'TXT', 'SOA', 'NS'];

function typesOf({ type }: Question): readonly RecordTypeName[] {
  return type === RecordType.ANY ? answerTypes : answerTypes.filter((name) => RecordType[name] === type);
}
