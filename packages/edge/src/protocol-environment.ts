import type { AppOptions } from './app-options.ts'

/**
 * What a linker that the edge launches is told of the protocol its application speaks, so that the command need not say
 * it again. Nothing: HTTP/1.1.
 */
export function protocolEnvironment(options: AppOptions | undefined): Readonly<Record<string, string>> {
  if (options?.tcp !== undefined) return { BRXY_TCP: 'true' }
  return options?.h2c === true ? { BRXY_H2C: 'true' } : {}
}
