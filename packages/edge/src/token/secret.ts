import { randomBytes } from 'node:crypto'
import { link, mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { BrxyError } from '@brxy/protocol'

const SECRET_BYTES = 32
const MIN_CHARACTERS = 16

/**
 * The secret that signs tokens, from `secret` in the state directory; made (0600) if there is none.
 * Two edges that start at once in one directory end up with the same secret.
 * @throws BrxyError `edge/bad-secret`
 */
export async function loadSecret(stateDir: string): Promise<Uint8Array> {
  const path = join(stateDir, 'secret')
  let text: string
  try {
    text = await readOrMake(stateDir, path)
  } catch (cause) {
    throw new BrxyError(
      'edge/bad-secret',
      `the secret ${path} can be neither read nor made: ${(cause as Error).message}`,
      { cause },
    )
  }
  return checkSecret(text, path)
}

/** @param source where it came from, for the message. @throws BrxyError `edge/bad-secret` */
export function checkSecret(text: string, source: string): Uint8Array {
  const secret = text.trim()
  if (secret.length < MIN_CHARACTERS) {
    throw new BrxyError(
      'edge/bad-secret',
      `the secret in ${source} has ${secret.length} characters; it needs at least ${MIN_CHARACTERS}`,
    )
  }
  return new TextEncoder().encode(secret)
}

async function readOrMake(stateDir: string, path: string): Promise<string> {
  const found = await readIfThere(path)
  if (found !== null) return found
  await mkdir(stateDir, { recursive: true, mode: 0o700 })
  // Written aside and linked into place: nobody ever reads half a secret, and the first of two writers wins.
  const draft = `${path}.${process.pid}.${randomBytes(4).toString('hex')}`
  await writeFile(draft, `${randomBytes(SECRET_BYTES).toString('base64url')}\n`, { mode: 0o600, flag: 'wx' })
  try {
    await link(draft, path)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
  } finally {
    await rm(draft, { force: true })
  }
  return readFile(path, 'utf8')
}

async function readIfThere(path: string): Promise<string | null> {
  try {
    return await readFile(path, 'utf8')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null
    throw error
  }
}
