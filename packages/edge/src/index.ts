// For whoever runs an edge.

// For the command line and for docs.
export { parseAddress } from './address.ts'
export type { ReloadReport } from './admin/admin-server.ts'
export type { AppStatus, FailureStatus, InstanceStatus, LaunchStatus, Status } from './admin/status.ts'
export { Edge, type EdgeAddresses, type EdgeConfig, type EdgeConfiguration } from './edge.ts'
export { CLIENT_ERRORS, type ClientErrorCode, type ClientErrorInfo, EDGE_ERRORS } from './error.ts'
export type { EdgeEvent } from './event.ts'
export { EDGE_OPTIONS, type EdgeOptions } from './options.ts'
export type { Adapter, Adapters } from './scale/scalers.ts'
export { type AppSettings, type EdgeSettings, loadSettings } from './settings.ts'
export { checkSecret, loadSecret } from './token/secret.ts'
export { type Grant, Tokens } from './token/tokens.ts'
