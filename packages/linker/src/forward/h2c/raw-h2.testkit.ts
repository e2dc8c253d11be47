import { RawApp, type RawConnection } from '../raw-app.testkit.ts'

/** Frame types and flags of RFC 9113 6. */
export const H2 = {
  DATA: 0,
  HEADERS: 1,
  RST_STREAM: 3,
  SETTINGS: 4,
  PUSH_PROMISE: 5,
  PING: 6,
  GOAWAY: 7,
} as const
export const END_STREAM = 1
export const END_HEADERS = 4
const ACK = 1
const WINDOW_UPDATE = 8
const PREFACE = 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'

export interface H2Frame {
  readonly type: number
  readonly flags: number
  readonly stream: number
  readonly payload: Buffer
}

/** The bytes of a frame (RFC 9113 4.1), as Latin-1. */
export function frame(type: number, flags: number, stream: number, payload: string | Buffer = ''): string {
  const data = typeof payload === 'string' ? Buffer.from(payload, 'latin1') : payload
  const header = Buffer.alloc(9)
  header.writeUIntBE(data.length, 0, 3)
  header[3] = type
  header[4] = flags
  header.writeUInt32BE(stream, 5)
  return header.toString('latin1') + data.toString('latin1')
}

/** A HEADERS frame whose fields are literals without indexing and without Huffman (RFC 7541 6.2.2). */
export function headers(stream: number, fields: readonly (readonly [string, string])[], flags = 0): string {
  let block = ''
  for (const [name, value] of fields) block += `\0${hpackString(name)}${hpackString(value)}`
  return frame(H2.HEADERS, END_HEADERS | flags, stream, block)
}

/** RFC 7541 5.1 and 5.2. */
function hpackString(text: string): string {
  if (text.length < 127) return String.fromCharCode(text.length) + text
  let rest = text.length - 127
  let length = '\x7f'
  for (; rest >= 128; rest = Math.floor(rest / 128)) length += String.fromCharCode((rest % 128) + 128)
  return length + String.fromCharCode(rest) + text
}

/** RST_STREAM with a code. */
export function rstStream(stream: number, code: number): string {
  return frame(H2.RST_STREAM, 0, stream, u32(code))
}

export function goaway(lastStream: number, code: number): string {
  return frame(H2.GOAWAY, 0, 0, u32(lastStream) + u32(code))
}

/** SETTINGS_MAX_CONCURRENT_STREAMS, or no setting at all. */
export function settings(maxConcurrentStreams?: number): string {
  return frame(
    H2.SETTINGS,
    0,
    0,
    maxConcurrentStreams === undefined ? '' : `\0\x03${u32(maxConcurrentStreams)}`,
  )
}

function u32(value: number): string {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32BE(value)
  return bytes.toString('latin1')
}

/** One connection of an application that says exactly the frames a test wants. */
export class RawH2 {
  readonly connection: RawConnection
  /** What came so far and was asked for, without SETTINGS and WINDOW_UPDATE. */
  readonly frames: H2Frame[] = []

  constructor(connection: RawConnection) {
    this.connection = connection
  }

  write(...frames: string[]): void {
    this.connection.write(frames.join(''))
  }

  /** The next frame that is no SETTINGS and no WINDOW_UPDATE; null at the end of the connection. */
  async next(): Promise<H2Frame | null> {
    for (;;) {
      const header = await this.connection.bytes(9)
      if (header === null) return null
      const bytes = Buffer.from(header, 'latin1')
      const payload = await this.connection.bytes(bytes.readUIntBE(0, 3))
      if (payload === null) return null
      const [type, flags] = [bytes[3] as number, bytes[4] as number]
      if (type === H2.SETTINGS && (flags & ACK) === 0) this.write(frame(H2.SETTINGS, ACK, 0))
      if (type === H2.SETTINGS || type === WINDOW_UPDATE) continue
      const one = { type, flags, stream: bytes.readUInt32BE(5), payload: Buffer.from(payload, 'latin1') }
      this.frames.push(one)
      return one
    }
  }

  /** Resolves when the linker has seen everything that was written: it answers a PING (RFC 9113 6.7). */
  async seen(): Promise<void> {
    this.write(frame(H2.PING, 0, 0, '12345678'))
    for (let one = await this.next(); one !== null; one = await this.next()) if (one.type === H2.PING) return
  }

  /** The next HEADERS: its stream's id; 0 at the end of the connection. */
  async request(): Promise<number> {
    for (let one = await this.next(); one !== null; one = await this.next())
      if (one.type === H2.HEADERS) return one.stream
    return 0
  }

  /** Everything that still comes, until the end of the connection. */
  async rest(): Promise<void> {
    while ((await this.next()) !== null);
  }
}

/**
 * An application that sends its SETTINGS and does this with each connection.
 * @param first instead of its SETTINGS
 */
export function rawH2App(serve: (h2: RawH2) => Promise<void>, first: string = settings()): Promise<RawApp> {
  return RawApp.start(async (connection) => {
    if ((await connection.bytes(PREFACE.length)) !== PREFACE) throw new Error('no preface')
    const h2 = new RawH2(connection)
    h2.write(first)
    await serve(h2)
  })
}
