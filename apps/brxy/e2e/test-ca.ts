import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'

/** Names of files in the directory of a {@link TestCa}. */
export interface TestCertificate {
  readonly cert: string
  readonly key: string
}

/** A CA of a test's own, by openssl, and the certificates that it signs; all its files are in one directory. */
export class TestCa {
  readonly #directory: string
  readonly #ca: TestCertificate

  constructor(directory: string, name = 'ca') {
    this.#directory = directory
    this.#ca = this.#request(name, ['-addext', 'basicConstraints=critical,CA:TRUE'])
  }

  /** Path of the file with the CA's own certificate. */
  get file(): string {
    return this.path(this.#ca.cert)
  }

  path(file: string): string {
    return join(this.#directory, file)
  }

  read(file: string): string {
    return readFileSync(this.path(file), 'utf8')
  }

  /** Signs a certificate, in place of an older one of that name. @param names `DNS:shop.test`, `IP:127.0.0.1` */
  sign(name: string, names: readonly string[]): TestCertificate {
    const altNames = names.length === 0 ? [] : ['-addext', `subjectAltName=${names.join(',')}`]
    const by = ['-CA', this.#ca.cert, '-CAkey', this.#ca.key]
    return this.#request(name, [...altNames, '-addext', 'basicConstraints=CA:FALSE', ...by])
  }

  #request(name: string, more: readonly string[]): TestCertificate {
    const files = { cert: `${name}.pem`, key: `${name}.key` }
    const curve = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2']
    const out = ['-keyout', files.key, '-out', files.cert, '-subj', `/CN=${name}`]
    execFileSync('openssl', ['req', '-x509', ...curve, ...out, ...more], {
      cwd: this.#directory,
      stdio: ['ignore', 'ignore', 'pipe'],
    })
    return files
  }
}
