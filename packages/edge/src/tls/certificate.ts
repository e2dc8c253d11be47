import { createPrivateKey, type KeyObject, X509Certificate } from 'node:crypto'
import { createSecureContext, type SecureContext } from 'node:tls'
import { OptionsError } from '@brxy/options'
import { readPem } from './pem-file.ts'

/** The oldest version that is spoken (RFC 8996 deprecates those before). */
export const MIN_VERSION = 'TLSv1.2'

/** Names of files, as they are configured. */
export interface CertificateFiles {
  readonly cert: string
  readonly key: string
}

/** A server's certificate with its chain and its key: read, and found to belong together. */
export interface Certificate {
  /** PEM; the server's own comes first. */
  readonly cert: string
  /** PEM, without a passphrase. */
  readonly key: string
  readonly context: SecureContext
  /** DNS names of its subjectAltName in lower case, `*.example.com` among them. */
  readonly names: readonly string[]
  readonly validFromMs: number
  readonly validToMs: number
}

/**
 * Reads a certificate and its key.
 *
 * @param directory for relative names
 * @throws OptionsError with the key (`cert` or `key`) of the file that is wrong; the message names the file and the reason
 */
export async function loadCertificate(files: CertificateFiles, directory: string): Promise<Certificate> {
  const [chain, key] = await Promise.all([
    readPem(files.cert, directory, 'cert', 'CERTIFICATE'),
    readPem(files.key, directory, 'key', 'PRIVATE KEY'),
  ])
  const [own, ...rest] = parseChain(chain.text, chain.path, 'cert')
  const secret = parseKey(key.text, key.path)
  if (!own.checkPrivateKey(secret)) {
    const isLater = rest.some((certificate) => certificate.checkPrivateKey(secret))
    const remedy = isLater ? '; it belongs to a later one there: the own certificate must come first' : ''
    throw invalid('key', `"${key.path}" is not the key of the certificate in "${chain.path}"${remedy}`)
  }
  return {
    cert: chain.text,
    key: key.text,
    context: contextOf(chain.text, key.text, chain.path),
    names: namesOf(own),
    validFromMs: Date.parse(own.validFrom),
    validToMs: Date.parse(own.validTo),
  }
}

/**
 * All certificates of a PEM text.
 *
 * @param path of the file, for the error
 * @param option that names the file
 * @throws OptionsError if one of them cannot be parsed
 */
export function parseChain(text: string, path: string, option: string): X509Certificate[] {
  const blocks = text.match(/-----BEGIN CERTIFICATE-----.*?-----END CERTIFICATE-----/gs) ?? []
  try {
    if (blocks.length === 0) throw new Error('it does not end')
    return blocks.map((block) => new X509Certificate(block))
  } catch (cause) {
    throw invalid(option, `"${path}" has a broken certificate in it: ${(cause as Error).message}`, cause)
  }
}

function parseKey(text: string, path: string): KeyObject {
  try {
    return createPrivateKey(text)
  } catch (cause) {
    const isEncrypted = /ENCRYPTED/.test(text)
    const why = isEncrypted
      ? 'is encrypted; write it without a passphrase, readable for the edge alone'
      : `has a broken key in it: ${(cause as Error).message}`
    throw invalid('key', `"${path}" ${why}`, cause)
  }
}

/** OpenSSL has a last word: a key may be too short for it. */
function contextOf(cert: string, key: string, path: string): SecureContext {
  try {
    return createSecureContext({ cert, key, minVersion: MIN_VERSION })
  } catch (cause) {
    throw invalid('cert', `"${path}" cannot be used: ${(cause as Error).message}`, cause)
  }
}

/** The subject's common name is no name of a server (RFC 9525 2). What Node puts in quotes is no host name. */
function namesOf({ subjectAltName = '' }: X509Certificate): string[] {
  return [...subjectAltName.matchAll(/(?<=^|, )DNS:([^\s",]+)(?=,|$)/g)].map(([, name]) => name.toLowerCase())
}

function invalid(option: string, detail: string, cause?: unknown): OptionsError {
  return new OptionsError('options/invalid', option, detail, { keys: [option], cause })
}
