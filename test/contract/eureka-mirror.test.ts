import { afterAll, beforeEach, describe } from 'vitest';
import { EurekaRig } from '../support/eureka-mirror.ts';
import { requireEureka } from '../support/java-servers.ts';
import { describeMirror } from '../support/mirror-contract.ts';

const rigs = {
  netflix: new EurekaRig({ by: 'netflix' }),
  spring: new EurekaRig({ by: 'spring' }),
};

afterAll(async () => {
  await rigs.netflix[Symbol.asyncDispose]();
  await rigs.spring[Symbol.asyncDispose]();
});

beforeEach(requireEureka);

describe('a mirror to Eureka', { timeout: 120_000 }, () => {
  describeMirror("Netflix's Eureka", () => rigs.netflix.subject());
  describeMirror("Spring's Eureka", () => rigs.spring.subject());
});
