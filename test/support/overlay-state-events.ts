import { observeOverlay } from './overlay-state.ts';
import { type Event, quietly } from './overlay-state-event.ts';
import type { Kind } from './overlay-state-kind.ts';
import {
  leaderIsKilled,
  leaseEnds,
  leaseIsDeleted,
  strangerComes,
  strangerGoes,
} from './overlay-state-lease-events.ts';
import type { Member } from './overlay-state-member.ts';
import type { OverlayWorld } from './overlay-state-world.ts';
import { mustInside } from './process.ts';
import type { Random } from './random.ts';

/** One of what can happen now; every kind is as likely as any other. */
export function drawEvent(world: OverlayWorld, random: Random): Event {
  const possible = kinds.map((kind) => kind(world, random)).filter((events) => events.length > 0);
  return random.pick(random.pick(possible));
}

const kill: Kind = ({ members }) =>
  dispensable(members).flatMap((member) =>
    member.isRunning
      ? [{ what: `the agent of ${member.name} is killed`, happen: quietly(() => member.stop('SIGKILL')) }]
      : [],
  );

const start: Kind = ({ members }) =>
  members
    .filter(({ isRunning }) => !isRunning)
    .map((member) => ({ what: `the agent of ${member.name} starts`, happen: quietly(() => member.start()) }));

const restart: Kind = ({ members }) =>
  members
    .filter(({ isRunning }) => isRunning)
    .map((member) => ({
      what: `the agent of ${member.name} is restarted`,
      happen: quietly(async () => {
        await member.stop('SIGTERM');
        await member.start();
      }),
    }));

const cut: Kind = ({ members }) =>
  dispensable(members).flatMap((member) =>
    member.isCut ? [] : [{ what: `${member.name} is cut off`, happen: quietly(() => member.cut()) }],
  );

const heal: Kind = ({ members }) =>
  members
    .filter(({ isCut }) => isCut)
    .map((member) => ({ what: `${member.name} is healed`, happen: quietly(() => member.heal()) }));

const fewestServing = 2;

/** Hosts that may fail, for enough others serve to be compared. */
function dispensable(members: readonly Member[]): readonly Member[] {
  const serving = members.filter(({ isServing }) => isServing);
  return serving.length > fewestServing ? members : members.filter((member) => !serving.includes(member));
}

const containerComes: Kind = ({ members }) =>
  members.map((member) => ({
    what: `a container comes on ${member.name}`,
    happen: async () => {
      const container = await member.attach();
      return container === undefined ? ': refused' : `: ${container.netns} at ${container.addresses}`;
    },
  }));

const containerGoes: Kind = ({ members, departed }) =>
  members.flatMap((member) =>
    member.containers.map((container) => ({
      what: `${container.netns} goes from ${member.name}`,
      happen: quietly(async () => {
        await member.detach(container);
        departed.push({ member, container });
      }),
    })),
  );

const entryIsLost: Kind = ({ members }, random) =>
  members
    .filter(({ isServing }) => isServing)
    .map((member) => ({
      what: `somebody removes an entry from the kernel of ${member.name}`,
      happen: async () => {
        const { netns } = member.host;
        const removals = (await observeOverlay(netns)).flatMap(toRemoval);
        const removal = random.pick(removals);
        await mustInside(netns, ...removal);
        return `: ${removal.join(' ')}`;
      },
    }));

/** The command that removes an entry; none for the device itself. */
function toRemoval(entry: string): readonly (readonly string[])[] {
  const words = entry.split(' ');
  const [device = '', verb, third = '', fourth = ''] = words;
  if (device === 'route')
    return [['ip', 'route', 'del', verb ?? '', 'dev', words[words.indexOf('dev') + 1] ?? '']];
  if (verb === 'has') return [['ip', 'addr', 'del', third, 'dev', device]];
  if (verb === 'neighbour') return [['ip', 'neigh', 'del', third, 'dev', device]];
  if (verb === 'sends') return [['bridge', 'fdb', 'del', fourth, 'dev', device]];
  return [];
}

const deviceIsLost: Kind = ({ members }, random) =>
  members
    .filter(({ isServing }) => isServing)
    .map(({ name, host }) => ({
      what: `somebody removes a device of ${name}`,
      happen: async () => {
        const { FAIRLEAD_DEVICE: v4, FAIRLEAD_IPV6_DEVICE: v6 } = host.subnet();
        const device = random.pick([v4, v6].flatMap((each) => each ?? []));
        await mustInside(host.netns, 'ip', 'link', 'del', 'dev', device);
        return `: ${device}`;
      },
    }));

/** What takes several events to come about is more often chosen when it can be. */
const kinds: readonly Kind[] = [
  ...[kill, start, restart, cut, heal],
  ...[containerComes, containerGoes, entryIsLost, deviceIsLost],
  ...[leaseIsDeleted, leaderIsKilled, strangerGoes],
  ...[leaseEnds, leaseEnds, leaseEnds, strangerComes, strangerComes, strangerComes],
];
