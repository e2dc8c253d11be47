import type { SimSocket } from '../node/socket.ts'
import type { RequestPlan } from '../scenario/scenario.ts'
import type { Application } from './application.ts'
import { bodyOf } from './body.ts'
import { MessageReader } from './message-reader.ts'

/** The status of a process that crashes. */
const CRASHED = 139
const LAST_CHUNK = '0\r\n\r\n'

/** One connection, one request at a time, of which the thread that serves it does nothing else. */
export class Conversation {
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
      ...(request.slotsField === undefined || request.slotsField === ''
        ? []
        : [`Brxy-Slots: ${request.slotsField}`]),
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
    this.#hasAnswered = false
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
