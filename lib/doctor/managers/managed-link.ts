/** A link of ours as those see it who manage links. */
export type ManagedLink = {
  readonly name: string;
  /** "bridge", "veth", "vxlan". */
  readonly kind: string;
};
