import { readFileSync } from 'node:fs'
import { LinkError } from './error.ts'

/**
 * The configured token, without the line end that a secret made of a file has. A file is read anew at each call: platforms renew what they project into it.
 * @param file path of the file that holds it; undefined: `token` is all there is
 * @throws LinkError `link/token-file`
 */
export function readToken(file: string | undefined, token: string | undefined): string {
  if (file === undefined) return token?.trim() ?? ''
  try {
    return readFileSync(file, 'utf8').trim()
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException
    throw new LinkError('link/token-file', `BRXY_TOKEN_FILE: cannot read "${file}" (${code})`, { cause })
  }
}
