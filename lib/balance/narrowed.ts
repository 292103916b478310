/** Those that pass, or all where none does: a poor instance is better than none. */
export function narrowed<C>(candidates: readonly C[], passes: (candidate: C) => boolean): readonly C[] {
  const passing = candidates.filter(passes);
  return passing.length === 0 ? candidates : passing;
}
