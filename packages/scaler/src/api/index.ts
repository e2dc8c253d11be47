export type { ApiAnswer } from './api-answer.ts'
export { type ApiCall, ApiClient } from './api-client.ts'
export type { ApiEndpoint, ApiTarget } from './api-endpoint.ts'
export { ApiError, isStatus, scalerErrorOf } from './api-error.ts'
