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
  const candidates =
    name.startsWith('.') || isAbsolute(name)
      ? [pathToFileURL(resolve(directory, name)).href]
      : [`@brxy/scaler-${name}`, name]
  for (const specifier of candidates) {
    try {
      return assertScalerFactory(await import(specifier), name)
    } catch (error) {
      const code = (error as NodeJS.ErrnoException).code
      if (code !== 'ERR_MODULE_NOT_FOUND' && code !== 'ERR_INVALID_MODULE_SPECIFIER') throw error
    }
  }
  throw new ScalerError(
    'scaler/not-a-scaler',
    `there is no scaler "${name}": neither ${candidates.join(' nor ')} is installed`,
  )
}
