import { type Keys, OptionsError, wrongAt } from '@brxy/options'
import type { EdgeOptions } from '../options.ts'
import { type Certificate, loadCertificate, parseChain } from './certificate.ts'
import { readPem } from './pem-file.ts'

/** TLS of one port: what is configured, read from its files and checked. */
export interface TlsSettings {
  /** At least one; the first is for clients that name no server, or one that no certificate has. */
  readonly certificates: readonly Certificate[]
  /** PEM of those who sign the certificates that clients must present; null: clients need none. */
  readonly clientCa: string | null
  /** Longest time for a handshake. */
  readonly handshakeMs: number
}

/** Where clients connect, and what they are served there. */
export interface ListenSettings {
  readonly bind: string
  /** Every request is answered with a redirect to the first listener with TLS. */
  readonly isRedirect: boolean
  /** Connections begin with a PROXY header. */
  readonly proxyProtocol: boolean
  /** Whether HTTP/2 is spoken beside HTTP/1. */
  readonly http2: boolean
  readonly tls: TlsSettings | null
}

/** What works and is not wise. */
export interface SettingsWarning {
  /** The way to it in a config file. */
  readonly keys: Keys
  readonly message: string
}

/** Everything about TLS that an edge is configured with. */
export interface EdgeTls {
  /** As in the options, in their order. */
  readonly listen: readonly ListenSettings[]
  readonly tunnel: TlsSettings | null
  /** PEM of those who sign the certificate of the edge that is reported to; null: the public ones. */
  readonly reportCa: string | null
  readonly warnings: readonly SettingsWarning[]
}

/**
 * Reads the certificates, keys and CAs that an edge's options name.
 *
 * @param directory for relative names
 * @param onError hears of each mistake, with the keys to its place in a config file; what is wrong is left out
 * @param nowMs wall clock, for certificates that have expired
 */
export async function loadTls(
  { listen, tunnel, timeouts, reportTo, reportCa }: EdgeOptions,
  directory: string,
  onError: (error: OptionsError) => void,
  nowMs: number = Date.now(),
): Promise<EdgeTls> {
  const loader = new TlsLoader(directory, timeouts.tlsHandshakeMs, nowMs, onError)
  const hasTls = listen.some(({ tls }) => tls !== undefined)
  const listeners: ListenSettings[] = []
  for (const [at, { bind, http2, redirect, proxyProtocol, tls }] of listen.entries()) {
    const keys = ['listen', at]
    const isRedirect = redirect !== undefined
    if (isRedirect && tls !== undefined)
      onError(wrongAt([...keys, 'redirect'], 'cannot be given beside tls; a listener has one of them'))
    else if (isRedirect && !hasTls)
      onError(wrongAt([...keys, 'redirect'], 'leads nowhere: give another listener tls with its certs'))
    const files = tls?.certs.map((each, i) => ({ ...each, keys: [...keys, 'tls', 'certs', i] })) ?? []
    const loaded = await loader.load(files, undefined)
    listeners.push({ bind, isRedirect, proxyProtocol, http2, tls: loaded })
  }
  if (reportCa !== undefined && (reportTo === undefined || !/^(wss|https):/.test(reportTo)))
    onError(wrongAt(['reportCa'], 'is for a reportTo of wss://HOST, and there is none'))
  const own = tunnel.tls === undefined ? [] : [{ ...tunnel.tls, keys: ['tunnel', 'tls'] }]
  return {
    listen: listeners,
    tunnel: await loader.load(own, tunnel.tls?.clientCa),
    reportCa: reportCa === undefined ? null : await loader.ca(reportCa, 'reportCa', []),
    warnings: loader.warnings,
  }
}

interface LocatedFiles {
  readonly cert: string
  readonly key: string
  readonly keys: Keys
}

class TlsLoader {
  readonly warnings: SettingsWarning[] = []
  readonly #directory: string
  readonly #handshakeMs: number
  readonly #nowMs: number
  readonly #onError: (error: OptionsError) => void

  constructor(directory: string, handshakeMs: number, nowMs: number, onError: (error: OptionsError) => void) {
    this.#directory = directory
    this.#handshakeMs = handshakeMs
    this.#nowMs = nowMs
    this.#onError = onError
  }

  /** @returns null if there are no files, or all of them are wrong */
  async load(files: readonly LocatedFiles[], clientCa: string | undefined): Promise<TlsSettings | null> {
    const certificates: Certificate[] = []
    for (const { keys, ...names } of files) {
      const certificate = await this.#attempt(keys, () => loadCertificate(names, this.#directory))
      if (certificate === null) continue
      this.#consider(certificate, names.cert, [...keys, 'cert'], files.length > 1)
      certificates.push(certificate)
    }
    const ca = clientCa === undefined ? null : await this.ca(clientCa, 'clientCa', ['tunnel', 'tls'])
    if (certificates.length === 0) return null
    return { certificates, clientCa: ca, handshakeMs: this.#handshakeMs }
  }

  /** @param place that the option stands in @returns PEM; null if it is wrong */
  ca(name: string, option: string, place: Keys): Promise<string | null> {
    return this.#attempt(place, () => loadCa(name, this.#directory, option))
  }

  #consider(certificate: Certificate, file: string, keys: Keys, isOneOfMany: boolean): void {
    const { validFromMs, validToMs, names } = certificate
    const warn = (message: string) => this.warnings.push({ keys, message: `"${file}" ${message}` })
    const day = (ms: number) => new Date(ms).toISOString().slice(0, 10)
    if (validToMs < this.#nowMs) warn(`has expired on ${day(validToMs)}; clients refuse it, renew it`)
    else if (validFromMs > this.#nowMs) warn(`is not valid before ${day(validFromMs)}; is the clock right?`)
    if (names.length === 0 && isOneOfMany)
      warn('has no DNS name in its subjectAltName, so no server name leads to it')
  }

  async #attempt<V>(place: Keys, make: () => Promise<V>): Promise<V | null> {
    try {
      return await make()
    } catch (error) {
      if (!(error instanceof OptionsError)) throw error
      this.#onError(wrongAt([...place, ...error.keys], error.detail, { cause: error }))
      return null
    }
  }
}

/** @throws OptionsError */
async function loadCa(name: string, directory: string, option: string): Promise<string> {
  const { path, text } = await readPem(name, directory, option, 'CERTIFICATE')
  parseChain(text, path, option)
  return text
}
