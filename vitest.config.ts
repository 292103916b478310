import { defineConfig } from 'vitest/config';

const project = (name: string, extra: object = {}) => ({
  test: { name, include: [`test/${name}/**/*.test.ts`], environment: 'node', ...extra },
});

// Contract tests mostly wait for servers, each file for its own.
// Tests of the plugins each have namespaces of their own.
// Integration tests have agents, clusters and time limits as well: they run one file at a time.
export default defineConfig({
  test: {
    projects: [
      project('unit'),
      project('golden'),
      project('contract', { maxWorkers: 2 }),
      project('plugins', { maxWorkers: 2, testTimeout: 60_000, hookTimeout: 60_000 }),
      project('integration', { testTimeout: 60_000, hookTimeout: 60_000, fileParallelism: false }),
    ],
  },
});
