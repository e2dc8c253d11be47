export { BRXY, EdgeProcess, type EdgeProcessOptions, type LoggedEvent } from './edge-process.ts'
export { eventually, PATIENCE_MS, within } from './eventually.ts'
export { hasPeer } from './peer.ts'
export {
  type Exit,
  expectNoLeftovers,
  leftoverProcesses,
  Running,
  runToEnd,
  testEnvironment,
} from './process.ts'
export { tempDir } from './temp-dir.ts'
