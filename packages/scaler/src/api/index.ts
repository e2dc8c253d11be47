export { type ApiCall, ApiClient, type ApiEndpoint } from './api-client.ts'
export { ApiError } from './api-error.ts'
