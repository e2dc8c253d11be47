import { lstatSync, unlinkSync } from 'node:fs'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { connect } from 'node:net'
import { join } from 'node:path'
import { AppError } from '../app/errors.ts'
import { answerControl, type ControlTarget, MAX_CONTROL_BYTES } from './control-request.ts'

/** unix(7): sun_path has 108 bytes, the last of which is NUL. */
const MAX_PATH_BYTES = 107
/** Whoever asks is on the same machine. */
const REQUEST_MS = 5_000
const MAX_CONNECTIONS = 16

/**
 * The control socket of a linker (`--control`): HTTP on a unix socket that only this user may open, by which the
 * application says how many requests it wants.
 */
export class ControlSocket {
  /** Of the socket itself; an absolute one if a folder was given so. */
  readonly path: string
  readonly #server: Server
  readonly #target: Promise<ControlTarget>
  #onTarget: (target: ControlTarget) => void = () => {}

  /**
   * Binds it. What a linker that was killed has left there is replaced.
   * @param path where; in a folder that exists it gets a name of its own, for several instances may be given the same
   * @throws AppError `link/control`
   */
  static async open(path: string): Promise<ControlSocket> {
    const own = isFolder(path) ? join(path, `brxy-${process.pid}.sock`) : path
    if (Buffer.byteLength(own) > MAX_PATH_BYTES) {
      throw bad(own, `has more than ${MAX_PATH_BYTES} bytes, which is all that a socket's path can have`)
    }
    await removeStale(own)
    const control = new ControlSocket(own)
    await control.#listen()
    return control
  }

  private constructor(path: string) {
    this.path = path
    this.#target = new Promise((resolve) => {
      this.#onTarget = resolve
    })
    this.#server = createServer({ requestTimeout: REQUEST_MS, maxHeaderSize: 8_192 }, (request, response) =>
      this.#onRequest(request, response),
    )
    this.#server.maxConnections = MAX_CONNECTIONS
    // It ends with the linker, and does not keep it.
    this.#server.unref()
  }

  /** From now on requests are answered; those that came before have waited. */
  attach(target: ControlTarget): void {
    this.#onTarget(target)
  }

  /** Removes it. */
  close(): void {
    this.#server.close()
    this.#server.closeAllConnections()
  }

  #listen(): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#server.once('error', (error: NodeJS.ErrnoException) =>
        reject(bad(this.path, `cannot be made (${error.code})`, error)),
      )
      // bind(2) happens in this call: there is no moment in which others could open it.
      const mask = process.umask(0o177)
      this.#server.listen(this.path, resolve)
      process.umask(mask)
    })
  }

  #onRequest(request: IncomingMessage, response: ServerResponse): void {
    const chunks: Buffer[] = []
    let bytes = 0
    request.on('data', (chunk: Buffer) => {
      bytes += chunk.length
      if (bytes <= MAX_CONTROL_BYTES) chunks.push(chunk)
    })
    request.on('end', () => {
      const body = bytes <= MAX_CONTROL_BYTES ? Buffer.concat(chunks).toString() : null
      void this.#target.then((target) => {
        const answer = answerControl(request.method ?? '', request.url ?? '', body, target)
        response.writeHead(answer.status, answer.fields).end(answer.body)
      })
    })
  }
}

function isFolder(path: string): boolean {
  return lstatSync(path, { throwIfNoEntry: false })?.isDirectory() === true
}

/** @throws AppError if there is something that must not be removed */
async function removeStale(path: string): Promise<void> {
  const stats = lstatSync(path, { throwIfNoEntry: false })
  if (stats === undefined) return
  if (!stats.isSocket()) throw bad(path, 'exists and is no socket')
  if (await isListening(path)) throw bad(path, 'belongs to another process, which listens on it')
  unlinkSync(path)
}

function isListening(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(path)
    const answer = (isListening: boolean) => {
      socket.destroy()
      resolve(isListening)
    }
    socket.once('connect', () => answer(true))
    // ECONNREFUSED: nobody. Anything else (EACCES, EAGAIN) is somebody.
    socket.once('error', (error: NodeJS.ErrnoException) => answer(error.code !== 'ECONNREFUSED'))
  })
}

function bad(path: string, what: string, cause?: Error): AppError {
  const remedy = 'give --control another path, or a folder, in which each instance makes a socket of its own'
  return new AppError('link/control', `the control socket ${path} ${what}; ${remedy}`, { cause })
}
