import { readFile, stat } from 'node:fs/promises'
import { resolve } from 'node:path'
import { OptionsError } from '@brxy/options'

/** More than the certificates of all public CAs together. */
const MAX_BYTES = 1024 * 1024

/** A file with PEM (RFC 7468) in it. */
export interface PemFile {
  /** Absolute. */
  readonly path: string
  readonly text: string
}

/**
 * Reads a file that must have something in PEM in it.
 *
 * @param name as configured; @param directory for a relative name
 * @param option that names the file
 * @param label what must be in it: `CERTIFICATE`, `PRIVATE KEY` (of any kind: `RSA PRIVATE KEY`, ...)
 * @throws OptionsError naming the option, the file and the reason
 */
export async function readPem(
  name: string,
  directory: string,
  option: string,
  label: string,
): Promise<PemFile> {
  const path = resolve(directory, name)
  const invalid = (detail: string, cause?: unknown) =>
    new OptionsError('options/invalid', option, `"${path}" ${detail}`, { keys: [option], cause })
  let text: string
  try {
    const { size } = await stat(path)
    if (size > MAX_BYTES) throw invalid(`has ${size} bytes; expected at most ${MAX_BYTES} of PEM`)
    text = await readFile(path, 'utf8')
  } catch (error) {
    if (error instanceof OptionsError) throw error
    throw invalid(`cannot be read (${(error as NodeJS.ErrnoException).code ?? error})`, error)
  }
  if (!new RegExp(`^-----BEGIN (?:[A-Z0-9]+ )?${label}-----`, 'm').test(text)) {
    throw invalid(`has no ${label.toLowerCase()} in it; expected PEM: -----BEGIN ${label}-----`)
  }
  return { path, text }
}
