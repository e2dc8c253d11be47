import fc from 'fast-check'

/**
 * Property tests try the same cases on every machine, so that a run of the test command means the same everywhere;
 * `PROPERTY_SEED=random`, or a number, has them try others. Chance is for `pnpm fuzz`.
 */
const asked = process.env.PROPERTY_SEED ?? '20261122'
if (asked !== 'random') fc.configureGlobal({ ...fc.readConfigureGlobal(), seed: Number(asked) })
