// For adapter authors.
export type {
  AppScaler,
  Host,
  Instance,
  Launch,
  OutputSource,
  Problem,
  Scaler,
  ScalerFactory,
  Target,
} from './contract.ts'
export { type CountedState, type CountedTarget, countedTarget, keptInstances } from './counted.ts'
export { ScalerError, type ScalerErrorCode } from './error.ts'

// For whoever loads adapters.
export { assertScalerFactory } from './factory.ts'

// What adapters have in common.
export { LaunchMemories } from './launch-memories.ts'
export { LaunchMemory } from './launch-memory.ts'
export { Placeholders } from './placeholders.ts'
export { LEAST_STOP_GRACE_S } from './stop-grace.ts'
