import {
  type Agent,
  type ClientRequest,
  type IncomingHttpHeaders,
  type IncomingMessage,
  request,
} from 'node:http'

/** The whole answer to a request. */
export interface Answer {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  readonly text: string
  /** From the request to the end of the answer. */
  readonly tookMs: number
  // biome-ignore lint/suspicious/noExplicitAny: tests look at the parts they know.
  json(): any
}

export interface AskOptions {
  readonly method?: string
  /** The Host header, whatever the address (default `localhost`). */
  readonly host?: string
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: string | Buffer
  /** Whose connections are used (default: a new one, for this request alone). */
  readonly agent?: Agent
}

/** Begins a request to 127.0.0.1; the caller ends it and listens to it. */
export function begin(
  port: number,
  path: string,
  { method, host, headers, agent }: AskOptions = {},
): ClientRequest {
  const ending = agent === undefined ? { connection: 'close' } : {}
  const allHeaders = { host: host ?? 'localhost', ...ending, ...headers }
  return request({
    host: '127.0.0.1',
    port,
    path,
    method: method ?? 'GET',
    headers: allHeaders,
    agent: agent ?? false,
  })
}

/** One request to 127.0.0.1. Rejects if the answer is not complete. */
export function ask(port: number, path = '/', options: AskOptions = {}): Promise<Answer> {
  const since = performance.now()
  const { body } = options
  const length = body === undefined ? {} : { 'content-length': String(Buffer.byteLength(body)) }
  return new Promise((resolve, reject) => {
    begin(port, path, { ...options, headers: { ...length, ...options.headers } })
      .on('error', reject)
      .on('response', (response: IncomingMessage) => {
        let text = ''
        response.setEncoding('latin1')
        response.on('data', (data: string) => {
          text += data
        })
        response.on('error', reject)
        response.on('end', () => {
          const { statusCode: status = 0, headers } = response
          resolve({ status, headers, text, tookMs: performance.now() - since, json: () => JSON.parse(text) })
        })
      })
      .end(body)
  })
}
