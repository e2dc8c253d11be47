// For authors of adapters: the cases of the contract, as tests.
export { conformance, type Runner, type TestFunction } from './conformance.ts'
export type { BadOptions, Driver, EndToEnd, Provoked, Running } from './driver.ts'
export type { Times } from './times.ts'
