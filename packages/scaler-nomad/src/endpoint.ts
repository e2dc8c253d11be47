import { readFileSync } from 'node:fs'
import { OptionsError } from '@brxy/options'
import { ScalerError } from '@brxy/scaler'
import type { ApiEndpoint, ApiTarget } from '@brxy/scaler/api'
import type { NomadOptions } from './options.ts'

const DEFAULT_ADDRESS = 'http://127.0.0.1:4646'
const DEFAULT_PORT = 4646
/** Before the path of a socket: each task has one of its own, `NOMAD_UNIX_ADDR`. */
const SOCKET = 'unix://'

/**
 * Where the agent is, from the options and the variables that Nomad's own client reads. No I/O, but for certificates.
 *
 * @throws OptionsError if the address is none, or a certificate can't be read
 */
export function endpointOf(options: NomadOptions, env: NodeJS.ProcessEnv): ApiEndpoint {
  const address = options.address ?? (env.NOMAD_ADDR || DEFAULT_ADDRESS)
  const target = address.startsWith(`${SOCKET}/`)
    ? { where: address, socketPath: address.slice(SOCKET.length) }
    : targetOf(urlOf(address), options, env)
  return {
    platform: 'Nomad',
    hint: 'is an agent running, and is that its address (NOMAD_ADDR)?',
    target() {
      const token = tokenOf(options, env)
      return token === undefined ? target : { ...target, headers: { 'x-nomad-token': token } }
    },
  }
}

/** What every request says of where its jobs are. */
export function scopeOf(options: NomadOptions, env: NodeJS.ProcessEnv): Readonly<Record<string, string>> {
  const region = options.region ?? env.NOMAD_REGION
  return {
    namespace: options.namespace ?? (env.NOMAD_NAMESPACE || 'default'),
    ...(region ? { region } : {}),
  }
}

function targetOf(
  { origin, hostname, port, protocol }: URL,
  { tls }: NomadOptions,
  env: NodeJS.ProcessEnv,
): ApiTarget {
  return {
    where: origin,
    host: hostname.replace(/^\[|\]$/g, ''),
    port: port === '' ? DEFAULT_PORT : Number(port),
    ...(protocol === 'https:' ? { tls: tlsOf(tls, env) } : {}),
  }
}

function urlOf(address: string): URL {
  const url = URL.canParse(address) ? new URL(address) : null
  if (url === null || !/^https?:$/.test(url.protocol) || url.pathname !== '/') {
    const detail = `must be http://HOST:PORT, https://HOST:PORT or unix:///PATH, not "${address}"`
    throw new OptionsError('options/invalid', 'nomad.address', detail, { keys: ['address'] })
  }
  return url
}

function tlsOf(tls: NomadOptions['tls'], env: NodeJS.ProcessEnv): NonNullable<ApiTarget['tls']> {
  const ca = pem('ca', tls?.ca ?? env.NOMAD_CACERT)
  const cert = pem('cert', tls?.cert ?? env.NOMAD_CLIENT_CERT)
  const key = pem('key', tls?.key ?? env.NOMAD_CLIENT_KEY)
  const servername = tls?.serverName ?? env.NOMAD_TLS_SERVER_NAME
  return {
    ...(ca === undefined ? {} : { ca }),
    ...(cert === undefined ? {} : { cert }),
    ...(key === undefined ? {} : { key }),
    ...(servername ? { servername } : {}),
  }
}

function pem(name: string, path: string | undefined): string | undefined {
  if (!path) return undefined
  try {
    return readFileSync(path, 'utf8')
  } catch (error) {
    const detail = `cannot be read: ${(error as Error).message}`
    throw new OptionsError('options/invalid', `nomad.tls.${name}`, detail, { keys: ['tls', name] })
  }
}

function tokenOf({ token, tokenFile }: NomadOptions, env: NodeJS.ProcessEnv): string | undefined {
  if (tokenFile === undefined) return token ?? (env.NOMAD_TOKEN || undefined)
  try {
    return readFileSync(tokenFile, 'utf8').trim()
  } catch (error) {
    throw new ScalerError('scaler/denied', `cannot read the token: ${(error as Error).message}`, {
      cause: error,
    })
  }
}
