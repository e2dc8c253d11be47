import { once } from 'node:events'
import {
  createServer,
  type Http2Server,
  type ServerHttp2Session,
  type ServerHttp2Stream,
  type SessionOptions,
} from 'node:http2'
import type { AddressInfo } from 'node:net'

/** One request as an HTTP/2 application has received it. */
export interface H2Call {
  readonly stream: ServerHttp2Stream
  /** Names and values in turn, as they came. */
  readonly fields: readonly string[]
  body: string
  trailers: readonly string[]
  /** It has ended, by END_STREAM or in some other way. */
  hasEnded: boolean
  /** The code of a RST_STREAM that ended it; null before. */
  resetCode: number | null
}

/** An application that speaks HTTP/2 with prior knowledge: a real node:http2 server, told what to answer. */
export class H2App {
  /** The requests so far. */
  readonly calls: H2Call[] = []
  /** Connections with a request; probes are not counted. */
  readonly sessions: ServerHttp2Session[] = []
  readonly #all = new Set<ServerHttp2Session>()
  readonly errors: unknown[] = []
  readonly #server: Http2Server

  private constructor(server: Http2Server, answer: (call: H2Call) => void) {
    this.#server = server
    server.on('session', (session) => {
      this.#all.add(session)
      session.on('error', () => {})
    })
    server.on('sessionError', () => {})
    server.on('stream', (stream: ServerHttp2Stream, _headers: unknown, _flags: number, fields: string[]) => {
      const session = stream.session as ServerHttp2Session
      if (!this.sessions.includes(session)) this.sessions.push(session)
      const call: H2Call = {
        stream,
        fields,
        body: '',
        trailers: [],
        hasEnded: false,
        resetCode: null,
      }
      this.calls.push(call)
      stream.on('error', () => {})
      stream.on('close', () => {
        call.resetCode = stream.rstCode
      })
      stream.on('trailers', (_fields: unknown, _flags: number, raw: string[]) => {
        call.trailers = raw
      })
      stream.on('data', (chunk: Buffer) => {
        call.body += chunk.toString('latin1')
      })
      stream.on('end', () => {
        call.hasEnded = true
      })
      try {
        answer(call)
      } catch (error) {
        this.errors.push(error)
      }
    })
  }

  /** @param answer what it does with each request; nothing: it lets them hang */
  static async start(
    answer: (call: H2Call) => void = () => {},
    options: SessionOptions = {},
  ): Promise<H2App> {
    const server = createServer(options as Parameters<typeof createServer>[0])
    const app = new H2App(server, answer)
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    return app
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port
  }

  async close(): Promise<void> {
    for (const session of this.#all) session.destroy()
    await new Promise((resolve) => this.#server.close(resolve))
  }
}

/** The value of a field of a request, or undefined. */
export function fieldOf(call: H2Call, name: string): string | undefined {
  const at = call.fields.indexOf(name)
  return at < 0 ? undefined : call.fields[at + 1]
}
