import type { Family } from '../../net/address.ts';
import { orOk, problem, skipped, type Verdict, warning } from '../check.ts';

export type ForwardingEvidence = {
  /** The switches of the whole machine. */
  readonly isOn: Readonly<Record<Family, boolean>>;
  readonly links: readonly ForwardingLink[];
};

/** A bridge or VXLAN device from which packets are to be passed on. */
export type ForwardingLink = {
  readonly name: string;
  /** Of which it has addresses: only those are routed. */
  readonly families: readonly Family[];
  /** Of which its own switch is off. */
  readonly closed: readonly Family[];
  /** 1 for strict, 2 for loose: what the kernel makes of the machine's setting and of the link's. */
  readonly rpFilter: number;
};

const switches = { 4: 'net.ipv4.ip_forward', 6: 'net.ipv6.conf.all.forwarding' } as const;

export function judgeForwarding({ isOn, links }: ForwardingEvidence): readonly Verdict[] {
  const routed = links.filter(({ families }) => families.length > 0);
  if (routed.length === 0) return [skipped('no bridge or overlay of containers here that is routed')];
  const verdicts = [
    ...([4, 6] as const).flatMap((family) => (isOn[family] ? [] : judgeSwitch(family, routed))),
    ...([4, 6] as const).flatMap((family) => (isOn[family] ? judgeLinks(family, routed) : [])),
    ...routed.filter(({ families }) => families.includes(4)).flatMap(judgeFilter),
  ];
  const families = ([4, 6] as const).filter((family) =>
    routed.some((link) => link.families.includes(family)),
  );
  return orOk(
    verdicts,
    `on for ${families.map((family) => `IPv${family}`).join(' and ')} of ${namesOf(routed)}`,
  );
}

function judgeSwitch(family: Family, links: readonly ForwardingLink[]): readonly Verdict[] {
  const concerned = links.filter(({ families }) => families.includes(family));
  if (concerned.length === 0) return [];
  const setting = switches[family];
  return [
    problem(
      `${setting} is 0: IPv${family} packets of ${namesOf(concerned)} end here`,
      `sysctl -w ${setting}=1; and in a file of /etc/sysctl.d, so that it holds after a boot`,
    ),
  ];
}

function judgeLinks(family: Family, links: readonly ForwardingLink[]): readonly Verdict[] {
  return links
    .filter(({ closed }) => closed.includes(family))
    .map(({ name }) => {
      const setting = settingOf(family, name, 'forwarding');
      return problem(
        `${setting} is 0: IPv${family} packets that come by ${name} end here`,
        `sysctl -w ${setting}=1`,
      );
    });
}

function judgeFilter({ name, rpFilter }: ForwardingLink): readonly Verdict[] {
  if (rpFilter !== 1) return [];
  return [
    warning(
      `reverse-path filtering is strict on ${name}: what comes by another way than the answer would go is dropped`,
      `sysctl -w ${settingOf(4, name, 'rp_filter')}=2`,
    ),
  ];
}

/** A dot in an interface's name is a slash to sysctl(8). */
function settingOf(family: Family, name: string, setting: string): string {
  return `net.ipv${family}.conf.${name.replaceAll('.', '/')}.${setting}`;
}

function namesOf(links: readonly ForwardingLink[]): string {
  return links.map(({ name }) => name).join(', ');
}
