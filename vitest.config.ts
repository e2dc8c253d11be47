import { defaultExclude, defineConfig } from 'vitest/config'

/** Each runs the whole conformance kit for scalers, and waits for most of its minute. */
const KITS = [
  'packages/scaler-shell/src/conformance*.test.ts',
  'tooling/checks/src/{write-a-scaler,scaler-runit,scaler-mesos}.test.ts',
]
const KITS_AT_ONCE = 5

export default defineConfig({
  test: {
    // Engines take theirs to end; their guard ends them in any case.
    teardownTimeout: 60_000,
    projects: [
      {
        test: {
          name: 'unit',
          setupFiles: ['./vitest.setup.ts'],
          // Of milliseconds in general; a busy machine is no failure.
          testTimeout: 30_000,
          hookTimeout: 30_000,
          include: ['packages/*/src/**/*.test.ts', 'apps/*/src/**/*.test.ts', 'tooling/*/src/**/*.test.ts'],
          exclude: [...defaultExclude, ...KITS],
        },
      },
      {
        test: {
          name: 'kits',
          include: KITS,
          // Side by side, however few processors there are, and when the others are through.
          maxWorkers: KITS_AT_ONCE,
          sequence: { groupOrder: 1 },
        },
      },
      {
        test: {
          name: 'e2e',
          include: ['apps/*/e2e/**/*.test.ts'],
          testTimeout: 60_000,
          hookTimeout: 60_000,
          fileParallelism: false,
        },
      },
      {
        test: {
          name: 'chaos',
          include: ['apps/*/chaos/**/*.test.ts'],
          testTimeout: 240_000,
          hookTimeout: 120_000,
          fileParallelism: false,
        },
      },
      {
        test: {
          // Against real platforms: `pnpm test:engines`.
          name: 'engines',
          include: [
            'packages/*/engine/**/*.test.ts',
            'apps/*/engine/**/*.test.ts',
            'tooling/engines/engine/**/*.test.ts',
          ],
          testTimeout: 180_000,
          hookTimeout: 180_000,
          fileParallelism: false,
          // Cases of an adapter mostly wait: tooling/engines/src/overlapping.ts says how many of them at once.
          maxConcurrency: 10,
          globalSetup: ['tooling/engines/src/shared-setup.ts'],
        },
      },
    ],
  },
})
