import { dnsPort } from './agent.ts';
import type { Attached } from './cluster.ts';
import type { Member } from './overlay-state-member.ts';
import { mustInside } from './process.ts';

/** A container that was taken off its host. */
export type Departed = { readonly member: Member; readonly container: Attached };

/** What each agent answers for containers of every host, where that is not what it should be. */
export async function nameProblems(
  members: readonly Member[],
  departed: readonly Departed[],
): Promise<readonly string[]> {
  const expected = [
    ...members.flatMap((owner) => owner.containers.map((each) => expect(owner, each, each.addresses))),
    ...departed.map(({ member, container }) => expect(member, container, [])),
  ];
  const askers = members.filter(({ isRunning }) => isRunning);
  return (await Promise.all(askers.map((asker) => ask(asker, expected)))).flat();
}

type Expected = { readonly owner: Member; readonly netns: string; readonly addresses: readonly string[] };

function expect(owner: Member, { netns }: Attached, addresses: readonly string[]): Expected {
  return { owner, netns, addresses: addresses.toSorted() };
}

/** What two hosts know of each other is compared only while both serve; of its own an agent always knows all. */
async function ask(asker: Member, expected: readonly Expected[]): Promise<readonly string[]> {
  const asked = expected.filter(({ owner }) => owner === asker || (owner.isServing && asker.isServing));
  if (asked.length === 0) return [];
  const answers = await resolve(asker, asked);
  return asked.flatMap(({ netns, addresses }) => {
    const answered = (answers.get(netns) ?? []).toSorted();
    if (answered.join() === addresses.join()) return [];
    return [`${asker.name} answers ${netns} with [${answered}], and not with [${addresses}]`];
  });
}

/** All in one process: there are many. */
async function resolve(
  { host }: Member,
  asked: readonly Expected[],
): Promise<ReadonlyMap<string, readonly string[]>> {
  const flags = ['@127.0.0.1', '-p', `${dnsPort}`, '+noall', '+answer', '+time=2', '+tries=1'];
  const questions = asked.flatMap(({ netns }) => {
    const name = `${netns}.overlay.fairlead.internal`;
    return [name, 'A', name, 'AAAA'];
  });
  const lines = (await mustInside(host.netns, 'dig', ...flags, ...questions)).trim().split('\n');
  const records = lines.map((line) => line.split(/\s+/));
  const byName = Map.groupBy(records, ([name = '']) => name.replace(/\..*/, ''));
  return new Map([...byName].map(([netns, all]) => [netns, all.map((fields) => fields.at(-1) ?? '')]));
}
