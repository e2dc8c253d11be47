import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

const DAYS = '2'

/** Names of files in a {@link TestCa}'s directory. */
export interface TestCertificate {
  readonly cert: string
  readonly key: string
}

/** A CA of a test's own, by openssl, and the certificates that it signs. */
export class TestCa {
  readonly directory = mkdtempSync(join(tmpdir(), 'brxy-ca-'))
  /** The CA's own certificate. */
  readonly ca: string
  readonly #ca: TestCertificate
  #count = 0

  constructor() {
    this.#ca = this.#request('ca', ['-addext', 'basicConstraints=critical,CA:TRUE'])
    this.ca = this.read(this.#ca.cert)
  }

  /** Name of the file with the CA's own certificate. */
  get caFile(): string {
    return this.#ca.cert
  }

  /** Signs a certificate. @param names DNS names of its subjectAltName, which it does not have without any */
  sign(names: readonly string[], name = `leaf-${++this.#count}`): TestCertificate {
    const { cert, key } = this.#ca
    const altNames = names.map((each) => (/^[\d.]+$/.test(each) ? `IP:${each}` : `DNS:${each}`)).join(',')
    const extension = names.length === 0 ? [] : ['-addext', `subjectAltName=${altNames}`]
    return this.#request(name, [
      ...extension,
      '-addext',
      'basicConstraints=CA:FALSE',
      '-CA',
      cert,
      '-CAkey',
      key,
    ])
  }

  read(file: string): string {
    return readFileSync(join(this.directory, file), 'utf8')
  }

  remove(): void {
    rmSync(this.directory, { recursive: true, force: true })
  }

  #request(name: string, more: readonly string[]): TestCertificate {
    const files = { cert: `${name}.pem`, key: `${name}.key` }
    const curve = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes']
    const out = ['-keyout', files.key, '-out', files.cert, '-days', DAYS, '-subj', `/CN=${name}`]
    execFileSync('openssl', ['req', '-x509', ...curve, ...out, ...more], {
      cwd: this.directory,
      stdio: ['ignore', 'ignore', 'pipe'],
    })
    return files
  }
}
