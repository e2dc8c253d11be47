import { isAbsolute, join } from 'node:path'
import { OptionsError } from '@brxy/options'
import type { DockerOptions } from './options.ts'

/** Files in PEM. */
export interface TlsFiles {
  readonly ca: string | undefined
  readonly cert: string | undefined
  readonly key: string | undefined
}

/** Where the Engine's API is. */
export type Address =
  | { readonly kind: 'unix'; readonly path: string }
  | { readonly kind: 'tcp'; readonly host: string; readonly port: number; readonly tls: TlsFiles | null }

const DEFAULT_SOCKET = '/var/run/docker.sock'
/** IANA: docker and docker-s. */
const PLAIN_PORT = 2375
const TLS_PORT = 2376

/**
 * Where the options, or else the variables of Docker's own client, say that the Engine is.
 *
 * @throws OptionsError also for `tcp:` without TLS, unless that is asked for
 */
export function addressOf(options: DockerOptions, env: NodeJS.ProcessEnv): Address {
  const { socket, host } = options
  if (socket !== undefined && host !== undefined)
    throw wrong('docker.socket', 'is set beside host; remove one of them')
  if (socket !== undefined) return unixAddress('docker.socket', socket)
  if (host !== undefined) return parse('docker.host', host, options, env)
  const inherited = env.DOCKER_HOST
  if (inherited) return parse('DOCKER_HOST', inherited, options, env)
  return { kind: 'unix', path: DEFAULT_SOCKET }
}

/** As people write it: for messages. */
export function formatAddress(address: Address): string {
  return address.kind === 'unix' ? `unix://${address.path}` : `tcp://${address.host}:${address.port}`
}

function parse(path: string, text: string, options: DockerOptions, env: NodeJS.ProcessEnv): Address {
  const scheme = /^([a-z]+):\/\//.exec(text)?.[1]
  const rest = text.slice((scheme?.length ?? 0) + 3)
  if (scheme === 'unix') return unixAddress(path, rest)
  if (scheme !== 'tcp' && scheme !== 'http' && scheme !== 'https')
    throw wrong(path, `"${text}" is neither unix://PATH nor tcp://HOST:PORT`)
  const tls = options.tls ?? (scheme === 'https' ? noFiles : tlsOf(env))
  if (tls === null && !options.insecure) {
    const detail = `"${text}" is without TLS: whoever reads that network is root there; give tls, or say insecure: true`
    throw wrong(path, detail)
  }
  const url = URL.canParse(`http://${rest}`) ? new URL(`http://${rest}`) : null
  if (url === null || url.pathname !== '/') throw wrong(path, `"${text}" must be tcp://HOST:PORT`)
  // A URL drops :80 because it is the scheme's own; any other number stays.
  const port = Number(url.port || /:(80)\/?$/.exec(rest)?.[1] || (tls === null ? PLAIN_PORT : TLS_PORT))
  return { kind: 'tcp', host: url.hostname.replace(/^\[|\]$/g, ''), port, tls }
}

const noFiles: TlsFiles = { ca: undefined, cert: undefined, key: undefined }

/** docs.docker.com/reference/cli/docker/#environment-variables */
function tlsOf({ DOCKER_TLS_VERIFY, DOCKER_CERT_PATH, HOME = '' }: NodeJS.ProcessEnv): TlsFiles | null {
  if (!DOCKER_TLS_VERIFY) return null
  const dir = DOCKER_CERT_PATH || join(HOME, '.docker')
  return { ca: join(dir, 'ca.pem'), cert: join(dir, 'cert.pem'), key: join(dir, 'key.pem') }
}

function unixAddress(path: string, socket: string): Address {
  if (!isAbsolute(socket)) throw wrong(path, `"${socket}" must be an absolute path`)
  return { kind: 'unix', path: socket }
}

function wrong(path: string, detail: string): OptionsError {
  const keys = path.startsWith('docker.') ? [path.slice('docker.'.length)] : []
  return new OptionsError('options/invalid', path, detail, { keys })
}
