/** What `GET /v1/bgp` tells of this host's BIRD; texts and numbers only. */
export type BgpStatus = {
  /** As it names itself; absent where it does not answer. */
  readonly version?: string;
  readonly routerId?: string;
  readonly asn: number;
  readonly neighbours: readonly NeighbourStatus[];
  readonly announced: readonly string[];
  readonly problems: readonly string[];
};

export type NeighbourStatus = {
  readonly address: string;
  /** Its host name, or the name that the configuration gives it. */
  readonly name: string;
  readonly asn: number;
  readonly kind: 'mesh' | 'reflector' | 'client' | 'configured';
  /** As BIRD says it: "Established", "Active", … */
  readonly state: string;
  /** Since when, as BIRD says it. */
  readonly since: string;
  readonly lastError?: string;
  /** What was learned from it. */
  readonly learned: readonly string[];
};
