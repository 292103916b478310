import { orOk, problem, skipped, type Verdict, warning } from '../check.ts';

export type PathEvidence = {
  readonly paths: readonly PeerPath[];
  /** How many other hosts there are beyond those. */
  readonly untried: number;
};

/** The way to another host. */
export type PeerPath = { readonly peer: string } & (
  | { readonly route: undefined; readonly because: string }
  | {
      readonly route: { readonly dev: string; readonly mtu: number | undefined };
      /** Bytes of the largest packet that is to go there. */
      readonly size: number;
      readonly probe: Probe;
    }
);

/** What became of a packet of that size. */
export type Probe =
  | { readonly kind: 'fits' }
  | { readonly kind: 'too-big'; readonly mtu: number | undefined }
  /** The host answers to small packets only, and nobody has said why. */
  | { readonly kind: 'swallowed' }
  | { readonly kind: 'silent' }
  | { readonly kind: 'untried'; readonly because: string };

export function judgePathMtu({ paths, untried }: PathEvidence): readonly Verdict[] {
  if (paths.length === 0) return [skipped('no other host is known; --peer names one')];
  const left = untried === 0 ? '' : `; ${untried} more were left out, --peer names those to look at`;
  const fitting = paths.filter((path) => path.route !== undefined && path.probe.kind === 'fits');
  const found = `${fitting.map(({ peer }) => peer).join(', ')}: reached by packets of full size${left}`;
  return orOk(paths.flatMap(judgePath), found);
}

function judgePath(path: PeerPath): readonly Verdict[] {
  if (path.route === undefined)
    return [
      problem(
        `there is no way to ${path.peer}: ${path.because}`,
        `see to a route: ip route get ${path.peer}`,
      ),
    ];
  const { peer, route, size, probe } = path;
  // A route's own MTU counts also where nobody can be pinged.
  if (route.mtu !== undefined && route.mtu < size) return [tooNarrow(path.peer, size, route.mtu)];
  return judgeProbe({ peer, size, dev: route.dev }, probe);
}

type Attempt = { readonly peer: string; readonly size: number; readonly dev: string };

function judgeProbe({ peer, size, dev }: Attempt, probe: Probe): readonly Verdict[] {
  switch (probe.kind) {
    case 'fits':
      return [];
    case 'too-big':
      return [tooNarrow(peer, size, probe.mtu)];
    case 'swallowed':
      return [
        problem(
          `${peer} answers small packets, and none of ${size} bytes: something on the way swallows what is large`,
          `raise the MTU of what is between ${dev} and ${peer}, or lower the overlay's ("MTU" in its configuration)`,
        ),
      ];
    case 'silent':
      return [
        warning(
          `${peer} does not answer to ping`,
          'see whether the host is up, and whether a firewall drops ICMP',
        ),
      ];
    case 'untried':
      return [skipped(`${peer} could not be pinged: ${probe.because}; it needs the ping of iputils`)];
  }
}

function tooNarrow(peer: string, size: number, mtu: number | undefined): Verdict {
  const carried = mtu === undefined ? 'less' : `${mtu}`;
  return problem(
    `packets to ${peer} may have ${size} bytes, and the way there carries ${carried}`,
    `lower the overlay's MTU on all hosts ("MTU" in its configuration, ${carried === 'less' ? 'of the underlay' : carried}), or raise that of the way`,
  );
}
