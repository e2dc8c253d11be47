import { execFileSync } from 'node:child_process'
import { join } from 'node:path'

/** Files of a certificate, with their directories. */
export interface CertificateFiles {
  readonly cert: string
  readonly key: string
}

/**
 * Makes a certificate in a directory, by openssl.
 * @param name of its files
 * @param names `DNS:edge.test`, `IP:127.0.0.1`
 * @param signer undefined: it signs itself, and is a CA
 */
export function makeCertificate(
  directory: string,
  name: string,
  names: readonly string[],
  signer?: CertificateFiles,
): CertificateFiles {
  const files = { cert: join(directory, `${name}.pem`), key: join(directory, `${name}.key`) }
  const form = ['-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2']
  const out = ['-keyout', files.key, '-out', files.cert, '-subj', `/CN=${name}`]
  const altNames = names.length === 0 ? [] : ['-addext', `subjectAltName=${names.join(',')}`]
  const role = ['-addext', `basicConstraints=critical,CA:${signer === undefined ? 'TRUE' : 'FALSE'}`]
  const by = signer === undefined ? [] : ['-CA', signer.cert, '-CAkey', signer.key]
  execFileSync('openssl', ['req', ...form, ...out, ...altNames, ...role, ...by], {
    stdio: ['ignore', 'ignore', 'pipe'],
  })
  return files
}
