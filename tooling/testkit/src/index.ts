export { freePorts } from '@brxy-tooling/engines/ports'
export { type Answer, type AskOptions, ask, begin } from './ask.ts'
export { BRXY, brxy, EdgeProcess, type EdgeProcessOptions, type LoggedEvent } from './edge-process.ts'
export { eventually, PATIENCE_MS, within } from './eventually.ts'
export { Gate } from './gate.ts'
export { Marathon } from './marathon.ts'
export { hasPeer } from './peer.ts'
export {
  type Exit,
  expectNoLeftovers,
  isRunning,
  type MarkedProcess,
  markedProcesses,
  parentOf,
  peakMemoryBytes,
  Running,
  runToEnd,
  testEnvironment,
} from './process.ts'
export { Systemd } from './systemd.ts'
export { tempDir } from './temp-dir.ts'
