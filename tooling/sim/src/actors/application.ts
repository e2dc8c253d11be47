import type { Chronicle } from '../chronicle.ts'
import { SimProcess } from '../machine/process.ts'
import type { World } from '../machine/world.ts'
import { Server } from '../node/server.ts'
import type { SimSocket } from '../node/socket.ts'
import type { AppPlan, RequestPlan } from '../scenario/scenario.ts'
import { bodyOf } from './body.ts'
import { MessageReader } from './message-reader.ts'

export const APPLICATION_PORT = 3000
/** SIGTERM, and it is gone so soon, unless it ignores it. */
const TERM_MS = 20
const CRASHED = 139
const LAST_CHUNK = '0\r\n\r\n'

/** How an application process ended. */
export interface ApplicationEnd {
  readonly code: number | null
  readonly signal: string | null
}

/** What is needed to be an application. */
export interface ApplicationEnvironment {
  readonly world: World
  readonly chronicle: Chronicle
  readonly plan: AppPlan
  /** What is asked of it, by the number in the path. */
  readonly requests: ReadonlyMap<number, RequestPlan>
  /** From its start to listening; Infinity: never; negative: it ends after so long instead. */
  readonly startMs: number
}

/** One application process: some threads behind one port, and the manners that its plan gives it. */
export class Application {
  readonly process: SimProcess
  readonly plan: AppPlan
  readonly world: World
  readonly chronicle: Chronicle
  readonly requests: ReadonlyMap<number, RequestPlan>
  /** Connections of the linker, oldest first. */
  readonly conversations = new Set<Conversation>()
  isListening = false
  end: ApplicationEnd | null = null
  /** Told once, when it has ended. */
  onEnd: (end: ApplicationEnd) => void = () => {}
  #server: Server | null = null
  #hasListened = false

  constructor(name: string, host: string, env: ApplicationEnvironment) {
    this.world = env.world
    this.plan = env.plan
    this.chronicle = env.chronicle
    this.requests = env.requests
    this.process = new SimProcess(name, host)
    this.process.onGone.push(() => this.#ended(this.end ?? { code: null, signal: 'SIGKILL' }))
    const { world, process } = this
    if (env.startMs < 0)
      world.after(-env.startMs, process, 'start fails', () => this.exit({ code: 1, signal: null }))
    else if (env.startMs < Number.POSITIVE_INFINITY)
      world.after(env.startMs, process, 'listen', () => this.#listen())
  }

  /** Requests that it has begun and whose connection the linker still has. It must never have more than slots. */
  get admitted(): number {
    let count = 0
    for (const conversation of this.conversations) if (conversation.isAdmitted) count++
    return count
  }

  terminate(): void {
    if (this.plan.ignoresTerm) return
    this.world.after(TERM_MS, this.process, 'SIGTERM', () => this.exit({ code: 0, signal: null }))
  }

  kill(): void {
    if (this.process.isAlive) this.world.kill(this.process)
  }

  exit(end: ApplicationEnd): void {
    this.end ??= end
    this.world.kill(this.process)
  }

  #listen(): void {
    const server = new Server({ allowHalfOpen: true })
    this.#server = server
    this.#hasListened = true
    server.on('connection', (socket: SimSocket) => {
      this.conversations.add(new Conversation(this, socket))
      this.schedule()
    })
    server.listen({ port: APPLICATION_PORT }, () => {
      this.isListening = this.#server === server
    })
  }

  /** It accepts no more connections; those that it has go on. */
  stopListening(): void {
    this.isListening = false
    this.#server?.close()
    this.#server = null
  }

  listenAgain(): void {
    this.world.after(0, this.process, 'listen', () => {
      if (this.#hasListened && this.#server === null) this.#listen()
    })
  }

  /** As many connections as there are threads are served; the others wait. */
  schedule(): void {
    let free = this.plan.threads
    for (const conversation of this.conversations) {
      if (free-- <= 0) return
      conversation.begin()
    }
  }

  #ended(end: ApplicationEnd): void {
    this.end = end
    this.isListening = false
    this.onEnd(end)
  }
}

/** One connection, one request at a time, of which the thread that serves it does nothing else. */
class Conversation {
  readonly #app: Application
  readonly #socket: SimSocket
  readonly #reader: MessageReader
  /** Being worked on. */
  #request: RequestPlan | null = null
  /** Being received, which may take longer than the answer. */
  #upload: RequestPlan | null = null
  #method = ''
  #bodyBytes = 0
  #hasAnswered = false
  #isServed = false
  #isComputing = false
  #isOver = false
  /** Nothing more is read: what comes is thrown away. */
  #isDeaf = false

  constructor(app: Application, socket: SimSocket) {
    this.#app = app
    this.#socket = socket
    this.#reader = new MessageReader(false, {
      onHead: (startLine) => this.#onHead(startLine),
      onBody: (bytes) => this.#onBody(bytes),
      onEnd: () => this.#onRequestEnd(),
    })
    socket.on('error', () => {})
    socket.on('close', () => this.#onGone())
    socket.on('end', () => this.#onClientEnd())
  }

  /** A request was begun, its answer is not written, and the linker has not given it up. */
  get isAdmitted(): boolean {
    return this.#request !== null && !this.#socket.peerHasClosed
  }

  /** A thread has time for it. */
  begin(): void {
    if (this.#isServed) return
    this.#isServed = true
    this.#socket.on('data', (bytes: Buffer) => {
      if (!this.#isDeaf) this.#reader.push(bytes)
    })
  }

  #onHead(startLine: string): 'fields' {
    const [method, path] = startLine.split(' ')
    const id = Number(path.slice(path.lastIndexOf('/') + 1))
    const request = this.#app.requests.get(id)
    if (request === undefined) throw new Error(`the application was asked for ${startLine}`)
    this.#request = request
    this.#upload = request
    this.#method = method
    this.#bodyBytes = 0
    this.#hasAnswered = false
    const { chronicle, process, world } = this.#app
    chronicle.began(id, process.name)
    world.note(process.name, () => `begins ${method} ${id}`)
    if (request.misdeed === 'crash') world.after(request.serviceMs, process, 'crash', () => this.#crash())
    else if (request.misdeed === 'early') this.#compute(request)
    return 'fields'
  }

  #onBody(bytes: Buffer): void {
    const request = this.#upload as RequestPlan
    this.#app.chronicle.uploaded(request, this.#bodyBytes, bytes)
    this.#bodyBytes += bytes.length
  }

  #onRequestEnd(): void {
    const request = this.#upload as RequestPlan
    this.#upload = null
    this.#app.chronicle.uploadEnded(request, this.#bodyBytes)
    if (request.misdeed !== 'early' && request.misdeed !== 'crash') this.#compute(request)
  }

  #crash(): void {
    const { chronicle, world, process } = this.#app
    chronicle.misdeed('crash', world.nowMs)
    world.note(process.name, () => `crashes of ${this.#request?.id}`)
    this.#app.exit({ code: CRASHED, signal: null })
  }

  #compute(request: RequestPlan): void {
    if (request.misdeed === 'hang') {
      this.#app.chronicle.misdeed('hang', this.#app.world.nowMs)
      return
    }
    this.#isComputing = true
    const { world, process } = this.#app
    world.after(request.serviceMs, process, 'computed', () => this.#answer(request))
  }

  #answer(request: RequestPlan): void {
    this.#isComputing = false
    if (this.#socket.peerHasClosed) this.#app.chronicle.count('slot: freed although the application goes on')
    if (this.#isOver) return this.#leave()
    const { misdeed } = request
    const { chronicle, world } = this.#app
    if (misdeed !== null && misdeed !== 'early') chronicle.misdeed(misdeed, world.nowMs)
    if (misdeed === 'close') return void this.#socket.destroy()
    if (misdeed === 'garbage') {
      this.#socket.write('SSH-2.0-OpenSSH_9.6\r\n')
      return void this.#socket.end()
    }
    this.#hasAnswered = true
    const keeps = this.#keeps(request)
    const size = request.responseBytes
    const fields = [
      ...(request.framing === 'length' ? [`Content-Length: ${size}`] : []),
      ...(request.framing === 'chunked' ? ['Transfer-Encoding: chunked'] : []),
      ...(keeps ? [] : ['Connection: close']),
    ]
    this.#socket.write(`HTTP/1.1 200 OK\r\nX-Request: ${request.id}\r\n${fields.join('\r\n')}\r\n\r\n`)
    if (this.#method === 'HEAD') return this.#done(request, keeps)
    const whole = misdeed === 'short' ? Math.floor(size / 2) : size
    this.#send(request, bodyOf(request.id, true, whole), keeps)
  }

  /** The body in pieces, each after a pause and when the last one has gone. */
  #send(request: RequestPlan, body: Buffer, keeps: boolean): void {
    const socket = this.#socket
    const { world, process } = this.#app
    const pieceBytes = Math.max(1, Math.ceil(body.length / 4))
    let at = 0
    const next = () => {
      if (socket.destroyed || this.#isOver) return
      const piece = body.subarray(at, at + pieceBytes)
      at += pieceBytes
      const isLast = at >= body.length
      const isChunked = request.framing === 'chunked'
      const bytes = isChunked && piece.length > 0 ? chunk(piece) : piece
      if (!isLast) {
        socket.write(bytes, () => {
          if (request.responsePauseMs === 0) next()
          else world.after(request.responsePauseMs, process, 'piece', next)
        })
        return
      }
      socket.write(bytes)
      // By a RST, for a body that ends with its connection looks complete after a FIN.
      if (request.misdeed === 'short') return void socket.resetAndDestroy()
      if (isChunked) socket.write(LAST_CHUNK)
      // At once: the next request may be here before this one's bytes have gone.
      this.#done(request, keeps)
    }
    next()
  }

  #keeps(request: RequestPlan): boolean {
    return this.#app.plan.keepAliveMs > 0 && request.framing !== 'close'
  }

  #done(request: RequestPlan, keeps: boolean): void {
    const { chronicle, plan, world, process } = this.#app
    chronicle.answered(request.id)
    this.#request = null
    if (!keeps || this.#isOver) {
      this.#socket.end()
      // Of an upload that is answered early the rest is of no interest.
      this.#isDeaf = true
      this.#socket.resume()
      return this.#leave()
    }
    const close = () => {
      if (this.#request !== null || this.#upload !== null || !this.#reader.isIdle) return
      // A client that takes its time has the time.
      if (this.#socket.writableLength > 0) world.after(plan.keepAliveMs, process, 'keep-alive', close)
      else this.#socket.destroy()
    }
    world.after(plan.keepAliveMs, process, 'keep-alive', close)
  }

  #onClientEnd(): void {
    if (this.#app.plan.ignoresClose && (this.#isComputing || this.#hasAnswered)) return
    if (this.#request === null || !this.#isComputing) this.#socket.destroy()
  }

  #onGone(): void {
    this.#isOver = true
    if (!this.#isComputing || !this.#app.plan.ignoresClose) this.#leave()
  }

  /** Its thread is free. */
  #leave(): void {
    if (!this.#app.conversations.delete(this)) return
    this.#app.schedule()
  }
}

function chunk(bytes: Buffer): Buffer {
  return Buffer.concat([Buffer.from(`${bytes.length.toString(16)}\r\n`), bytes, Buffer.from('\r\n')])
}
