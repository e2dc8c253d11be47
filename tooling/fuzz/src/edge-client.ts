import { connect, type Socket } from 'node:net'
import { type Http1Error, type MessageSink, ResponseDecoder, type ResponseHead } from '@brxy/http1'
import { demand } from './demand.ts'
import { isAnswerable, type Read, Reader, wordOf } from './strict-app.ts'

/** Nobody here waits for anything that takes time. */
const HANG_MS = 10_000

/** A client that sends what it was given, and reads what comes back as a strict client reads it. */
export class EdgeClient implements MessageSink<ResponseHead> {
  /** The requests in what it sends, as a strict server finds them. */
  readonly asked: readonly Read[]
  /** Answers of the application; of the edge itself. */
  served = 0
  refused = 0
  receivedBytes = 0
  readonly #text: Buffer
  readonly #cuts: readonly number[]
  readonly #finishes: boolean
  /** There is something behind the last request that is none. */
  readonly #isMalformed: boolean
  readonly #socket: Socket
  readonly #decoder = new ResponseDecoder()
  #answered = 0
  #word: string | null = null
  #isLast = false
  /** Between a final head and its end. An interim one may come long before it. */
  #isInside = false
  #isOver = false
  #error: Error | null = null
  #wake: () => void = () => {}

  constructor(port: number, text: string, cuts: readonly number[], finishes: boolean) {
    this.#text = Buffer.from(text, 'latin1')
    this.#cuts = cuts
    this.#finishes = finishes
    const reader = new Reader()
    reader.push(this.#text)
    this.asked = reader.requests
    this.#isMalformed = reader.error !== null
    this.#socket = connect({ port, host: '127.0.0.1', noDelay: true, allowHalfOpen: true })
    this.#socket.on('data', (data) => this.#onData(data))
    this.#socket.on('end', () => this.#onOver())
    this.#socket.on('error', () => {})
    this.#socket.on('close', () => this.#onOver())
  }

  /** Resolves when everything that must be answered is. @throws Error if something is wrong, or missing */
  async run(): Promise<void> {
    const timeout = setTimeout(() => {
      this.#error ??= new Error(`hangs: ${this.#answered} of ${this.asked.length} answers came`)
      this.#wake()
    }, HANG_MS)
    let at = 0
    for (const end of this.#cuts) {
      this.#socket.write(this.#text.subarray(at, end))
      at = end
      // So that the pieces are pieces.
      await new Promise((resolve) => setImmediate(resolve))
    }
    if (this.#finishes) this.#socket.end()
    while (!this.#isDone && this.#error === null)
      await new Promise<void>((resolve) => {
        this.#wake = resolve
      })
    clearTimeout(timeout)
    if (this.#error !== null) throw this.#error
    this.#checkEnd()
  }

  /** The edge has closed; or it has answered what is complete, and waits for more. */
  get #isDone(): boolean {
    if (this.#isOver) return true
    const isWaiting = !this.#isInside && !this.#isMalformed && !this.#finishes && !this.#isLast
    const whole = this.asked.filter(isAnswerable).length
    return isWaiting && this.#answered === whole
  }

  #checkEnd(): void {
    if (!this.#isOver || this.#finishes) return
    demand(!this.#isInside, 'an answer was cut off')
    demand(this.#isLast, `the connection was closed after answer ${this.#answered}, which did not say so`)
  }

  #onData(data: Buffer): void {
    this.receivedBytes += data.length
    try {
      for (let at = 0; at < data.length; ) {
        if (this.#decoder.idle) {
          demand(!this.#isLast, 'bytes after the last answer')
          demand(this.#answered <= this.asked.length, 'more answers than requests')
          this.#decoder.begin({ method: this.asked[this.#answered]?.method ?? 'GET' })
        }
        at = this.#decoder.push(data, at, data.length, this)
        if (this.#decoder.failed) break
      }
    } catch (error) {
      this.#error ??= error as Error
    }
    this.#wake()
  }

  #onOver(): void {
    if (this.#isOver) return
    this.#isOver = true
    // A close-delimited answer ends so.
    if (this.#error === null) this.#decoder.eof({ ...nothing, onEnd: () => this.onEnd() })
    this.#wake()
  }

  onHead(head: ResponseHead): void {
    if (head.interim) return
    this.#isInside = true
    const request = this.asked[this.#answered]
    this.#word = null
    for (let index = 0; index < head.fieldCount; index++)
      if (head.name(index) === 'X-Word') this.#word = head.value(index)
    this.#isLast = !head.keepAlive
    if (this.#word === null) {
      demand(head.status >= 400, `the edge says ${head.status}`)
      this.refused++
      return
    }
    this.served++
    demand(isAnswerable(request), 'an answer of the application to what is no request')
    demand(this.#word === wordOf(request), `the answer to another request: ${JSON.stringify(request)}`)
    demand(request.keepAlive || !head.keepAlive, 'kept, though the client wants it closed')
    demand(request.isComplete || !head.keepAlive, 'kept, though the request has not ended')
  }

  onData(): void {}

  onTrailers(): void {}

  onEnd(): void {
    this.#isInside = false
    this.#answered++
  }

  onError(error: Http1Error): void {
    this.#error ??= error
  }

  close(): void {
    this.#socket.destroy()
  }
}

const nothing: MessageSink<ResponseHead> = {
  onHead() {},
  onData() {},
  onTrailers() {},
  onEnd() {},
  onError() {},
}
