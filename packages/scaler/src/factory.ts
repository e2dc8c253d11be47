import type { ScalerFactory } from './contract.ts'
import { ScalerError } from './error.ts'

/**
 * Takes the adapter's factory out of a loaded module (what `await import(name)` gave): its default export, or the
 * `default` of a CommonJS module's exports, where `import()` puts it one level deeper.
 *
 * @param name what the user asked for (`kubectl`, `@acme/brxy-scaler`, `./mine.js`), for the error
 * @throws ScalerError `scaler/not-a-scaler`
 */
export function assertScalerFactory(module: unknown, name: string): ScalerFactory {
  const exported = defaultOf(module)
  const factory = typeof exported === 'function' ? exported : defaultOf(exported)
  if (typeof factory === 'function') return factory as ScalerFactory
  const found =
    exported === undefined ? 'it has no default export' : `its default export is ${nounOf(exported)}`
  throw new ScalerError(
    'scaler/not-a-scaler',
    `"${name}" is not a scaler: ${found}; a scaler's default export is a function (options, host) => Scaler`,
  )
}

function defaultOf(value: unknown): unknown {
  if (typeof value !== 'object' || value === null || !('default' in value)) return undefined
  return value.default
}

function nounOf(value: unknown): string {
  if (value === null) return 'null'
  return typeof value === 'object' ? 'an object' : `a ${typeof value}`
}
