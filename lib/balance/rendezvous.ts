import { type Candidate, hash32, weightOf } from './candidate.ts';

/**
 * Weighted rendezvous hashing: each candidate draws a score from key and id, and the best has the key. When an instance
 * goes, only its own keys move; when one comes, it takes only those that it now scores best for. Among weights the
 * score is -w / ln(u), which gives each its share exactly (Schindelhauer and Schomaker, "Weighted distributed hash
 * tables", 2005).
 */
export function bestByRendezvous(candidates: readonly Candidate[], key: string): Candidate | undefined {
  const keyHash = hash32(key);
  let found: Candidate | undefined;
  let best = Number.NEGATIVE_INFINITY;
  for (const candidate of candidates) {
    const score = -weightOf(candidate) / Math.log(uniform(candidate.state.idHash ^ keyHash));
    if (score <= best) continue;
    best = score;
    found = candidate;
  }
  return found;
}

/** 32 bits, well mixed (MurmurHash3's finaliser), as a number between 0 and 1, both excluded. */
function uniform(bits: number): number {
  let mixed = Math.imul(bits ^ (bits >>> 16), 0x85ebca6b);
  mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35);
  return (((mixed ^ (mixed >>> 16)) >>> 0) + 0.5) / 2 ** 32;
}
