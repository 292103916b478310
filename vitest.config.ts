import { defineConfig } from 'vitest/config';

const project = (name: string, extra: object = {}) => ({
  test: { name, include: [`test/${name}/**/*.test.ts`], environment: 'node', ...extra },
});

// Contract tests mostly wait for servers, each file for its own.
// Integration tests share the kernel of one machine: they run one file at a time, each in namespaces of its own.
export default defineConfig({
  test: {
    projects: [
      project('unit'),
      project('golden'),
      project('contract', { maxWorkers: 2 }),
      project('integration', { testTimeout: 60_000, hookTimeout: 60_000, fileParallelism: false }),
    ],
  },
});
