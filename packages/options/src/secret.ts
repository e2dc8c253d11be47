import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { OptionsError } from './error.ts'

/** Largest secret read from a file, in bytes. Keys and tokens are far smaller; a wrong path may name anything. */
const MAX_SECRET_BYTES = 65_536

/**
 * Reads a secret from a file, without the line end that editors and `echo` leave.
 *
 * @param path where the file's name was written, for the error
 * @param directory for a relative name
 * @throws OptionsError `options/invalid` when it cannot be read, is empty or is over 64 KiB; never with its content
 */
export function readSecretFile(path: string, file: string, directory = '.'): string {
  let bytes: Buffer
  try {
    bytes = readFileSync(resolve(directory, file))
  } catch (cause) {
    const code = (cause as NodeJS.ErrnoException).code ?? 'unreadable'
    throw new OptionsError('options/invalid', path, `cannot read the file "${file}" (${code})`, { cause })
  }
  if (bytes.length > MAX_SECRET_BYTES) {
    throw new OptionsError('options/invalid', path, `the file "${file}" is over 64 KiB, so it is no secret`)
  }
  const secret = bytes.toString('utf8').replace(/\r?\n$/, '')
  if (secret === '') throw new OptionsError('options/invalid', path, `the file "${file}" is empty`)
  return secret
}
