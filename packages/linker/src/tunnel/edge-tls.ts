import { readFileSync } from 'node:fs'
import type { SecureContext } from 'node:tls'
import { LinkError } from '../error.ts'

/** Files for tunnels with TLS, as the options name them. */
export interface EdgeTlsFiles {
  /** CAs that the certificate of the edge is checked against; undefined: the public ones. */
  readonly edgeCa: string | undefined
  /** What the linker presents of itself; undefined: nothing. */
  readonly edgeCert: string | undefined
  /** Its private key; undefined: it is in the same file. */
  readonly edgeKey: string | undefined
}

/**
 * What a dial with TLS needs. The files are read anew at each call: platforms renew what they project into them.
 * @throws LinkError `link/tls-file` naming the file and the remedy
 */
export function readEdgeTls({ edgeCa, edgeCert, edgeKey }: EdgeTlsFiles): SecureContext {
  if (edgeKey !== undefined && edgeCert === undefined)
    throw bad(`"${edgeKey}" is a key without a certificate; give it with --edge-cert or BRXY_EDGE_CERT`)
  const ca = edgeCa === undefined ? null : read(edgeCa, 'CERTIFICATE')
  const cert = edgeCert === undefined ? null : read(edgeCert, 'CERTIFICATE')
  const keyFile = edgeKey ?? edgeCert
  const key = keyFile === undefined ? null : read(keyFile, 'PRIVATE KEY')
  // Not imported: the start of every linker without TLS would wait for it (docs/performance.md).
  const { createSecureContext } = process.getBuiltinModule('node:tls')
  try {
    return createSecureContext({
      ...(ca === null ? {} : { ca }),
      ...(cert === null || key === null ? {} : { cert, key }),
    })
  } catch (cause) {
    const { code, message } = cause as NodeJS.ErrnoException
    const why =
      code === 'ERR_OSSL_X509_KEY_VALUES_MISMATCH' ? `the key in "${keyFile}" is not the one of it` : message
    throw bad(`"${edgeCert ?? edgeCa}" cannot be used: ${why}`, cause)
  }
}

function read(file: string, label: string): string {
  let text: string
  try {
    text = readFileSync(file, 'utf8')
  } catch (cause) {
    throw bad(`cannot read "${file}" (${(cause as NodeJS.ErrnoException).code})`, cause)
  }
  if (new RegExp(`^-----BEGIN (?:[A-Z0-9]+ )?${label}-----`, 'm').test(text)) return text
  const what = label.toLowerCase()
  const remedy = label === 'PRIVATE KEY' ? '; name the file that has it in BRXY_EDGE_KEY' : ''
  throw bad(`"${file}" has no ${what} in PEM in it${remedy}`)
}

function bad(message: string, cause?: unknown): LinkError {
  return new LinkError('link/tls-file', message, cause === undefined ? {} : { cause })
}
