// For whoever embeds a linker.
export type { Application } from './application.ts'
export { AttachedApplication } from './attached-application.ts'
// For docs and for the simulator.
export { LINKER_ERRORS } from './error.ts'
export type { LinkerEvent } from './event.ts'
export { Ledger, type LedgerAction } from './ledger/ledger.ts'
export type { AppEnd, LifeAction } from './life/action.ts'
export { Life, type LifeOptions, type LifePhase } from './life/life.ts'
export { Linker } from './linker.ts'
export type { LinkerConfig } from './linker-config.ts'
export { LINKER_OPTIONS, type LinkerOptions } from './options.ts'
export { StartedApplication, type StartedApplicationOptions } from './started-application.ts'
