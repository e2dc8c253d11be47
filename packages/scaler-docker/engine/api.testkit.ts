import { request } from 'node:http'

/** The Engine as tests ask it, beside the adapter. */
export class EngineApi {
  readonly socket: string

  /** @param host `unix://PATH` */
  constructor(host: string) {
    this.socket = host.replace(/^unix:\/\//, '')
  }

  get<T>(path: string, filters?: object): Promise<T> {
    return this.call(
      'GET',
      filters === undefined
        ? path
        : `${path}${path.includes('?') ? '&' : '?'}filters=${encodeURIComponent(JSON.stringify(filters))}`,
    )
  }

  /** @throws what the Engine says, for a status of 400 or more */
  call<T>(method: string, path: string, body?: unknown): Promise<T> {
    return new Promise((resolve, reject) => {
      const headers = { 'content-type': 'application/json' }
      const call = request(
        { socketPath: this.socket, method, path: `/v1.41${path}`, headers, agent: false },
        (response) => {
          let text = ''
          response.setEncoding('utf8')
          response.on('data', (chunk) => {
            text += chunk
          })
          response.on('end', () => {
            if ((response.statusCode ?? 0) >= 400) reject(new Error(`${method} ${path}: ${text}`))
            else resolve((text === '' ? undefined : JSON.parse(text)) as T)
          })
        },
      )
      call.on('error', reject)
      call.end(body === undefined ? undefined : JSON.stringify(body))
    })
  }

  /** What is gone already is a success. */
  async remove(path: string): Promise<void> {
    await this.call('DELETE', path).catch((error: Error) => {
      if (!/No such|not found|already in progress/.test(error.message)) throw error
    })
  }

  /** Sends a signal to a container. */
  async signal(container: string, name: 'TERM' | 'KILL'): Promise<void> {
    await this.call('POST', `/containers/${container}/kill?signal=${name}`)
  }

  /** The environment of the first process of a container. */
  async environment(container: string): Promise<Record<string, string>> {
    const { readFileSync } = await import('node:fs')
    const { State } = await this.get<{ State: { Pid: number } }>(`/containers/${container}/json`)
    const entries = readFileSync(`/proc/${State.Pid}/environ`, 'utf8').split('\0').filter(Boolean)
    return Object.fromEntries(
      entries.map((entry) => [entry.slice(0, entry.indexOf('=')), entry.slice(entry.indexOf('=') + 1)]),
    )
  }
}
