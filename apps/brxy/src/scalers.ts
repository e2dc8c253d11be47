import { existsSync } from 'node:fs'
import { isAbsolute, resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { assertScalerFactory, ScalerError, type ScalerFactory } from '@brxy/scaler'

/**
 * The one place that maps names to adapter packages: `shell` is `@brxy/scaler-shell`, `./x.js` a file, anything else
 * with a slash or found as such an npm package.
 *
 * @param directory where a relative file name starts
 * @throws ScalerError `scaler/not-a-scaler`
 */
export async function loadScaler(name: string, directory = '.'): Promise<ScalerFactory> {
  if (name.startsWith('.') || isAbsolute(name)) return loadFile(name, resolve(directory, name))
  const candidates = [`@brxy/scaler-${name}`, name]
  for (const specifier of candidates) {
    try {
      return assertScalerFactory(await import(specifier), name)
    } catch (error) {
      const code = (error as NodeJS.ErrnoException).code
      if (code !== 'ERR_MODULE_NOT_FOUND' && code !== 'ERR_INVALID_MODULE_SPECIFIER') throw error
    }
  }
  throw missing(name, `neither ${candidates.join(' nor ')} is installed`)
}

async function loadFile(name: string, path: string): Promise<ScalerFactory> {
  if (!existsSync(path)) throw missing(name, `${path} is not there`)
  let module: object
  try {
    module = await import(pathToFileURL(path).href)
  } catch (cause) {
    // Such as what it imports and nobody has installed: its author's to mend, and no scaler that is missing.
    const why = cause instanceof Error ? cause.message : String(cause)
    throw new ScalerError('scaler/not-a-scaler', `the scaler "${name}" cannot be loaded: ${why}`, { cause })
  }
  return assertScalerFactory(module, name)
}

function missing(name: string, why: string): ScalerError {
  return new ScalerError('scaler/not-a-scaler', `there is no scaler "${name}": ${why}`)
}
