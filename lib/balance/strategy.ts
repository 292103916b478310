import { CniError, ErrorCode } from '../errors/cni-error.ts';

/** The ways to choose an instance, as callers name them. */
export const strategies = [
  'round-robin',
  'random',
  'weighted',
  'least-connections',
  'least-latency',
  'peak-ewma',
  'response-time',
  'sticky',
] as const;

export type Strategy = (typeof strategies)[number];

/** @throws CniError code 7 that lists the strategies there are */
export function parseStrategy(text: string): Strategy {
  const found = strategies.find((name) => name === text);
  if (found !== undefined) return found;
  throw new CniError(
    ErrorCode.invalidConfig,
    `strategy: there is no ${JSON.stringify(text.slice(0, 40))}; expected one of ${strategies.join(', ')}`,
  );
}
