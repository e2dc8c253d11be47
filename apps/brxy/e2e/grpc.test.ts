import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { EdgeProcess, eventually, expectNoLeftovers } from '@brxy-tooling/testkit'
import { type CallOptions, Client, credentials, Metadata, type ServiceError, status } from '@grpc/grpc-js'
import { afterEach, describe, expect, it } from 'vitest'
import { linked, shell } from './apps.ts'
import { ConfigFile, launched } from './config-file.ts'

/** Longest wait for an answer: a busy machine is no failure. */
const PATIENCE_MS = 20_000

let edge: EdgeProcess
let client: Client
const files: ConfigFile[] = []

afterEach(async () => {
  client.close()
  expect(edge.matching('bug')).toEqual([])
  await edge.close()
  for (const file of files.splice(0)) file.remove()
  await expectNoLeftovers()
})

function grpcApp(...settings: string[]): string[] {
  return [process.execPath, fileURLToPath(new URL('grpc-app.mjs', import.meta.url)), ...settings]
}

/** An edge with the command of one app, and a client of it. */
async function start(command: readonly string[], flags: readonly string[] = []): Promise<void> {
  edge = await EdgeProcess.start({ command, flags })
  client = new Client(`127.0.0.1:${edge.port}`, credentials.createInsecure())
}

const encode = (message: string) => Buffer.from(message)
const decode = (bytes: Buffer) => bytes.toString()
const soon = (): CallOptions => ({ deadline: Date.now() + PATIENCE_MS })

interface Answer {
  readonly message: string
  readonly head: Metadata | null
  readonly trailer: Metadata
}

/** One message there, one back. Rejects with the ServiceError. */
function unary(
  message: string,
  metadata = new Metadata(),
  options = soon(),
  signal?: AbortSignal,
): Promise<Answer> {
  return new Promise((resolve, reject) => {
    let head: Metadata | null = null
    let text = ''
    const call = client.makeUnaryRequest(
      '/test.Echo/Unary',
      encode,
      decode,
      message,
      metadata,
      options,
      (error, answer) => {
        if (error) reject(error)
        else text = answer ?? ''
      },
    )
    signal?.addEventListener('abort', () => call.cancel())
    call.on('metadata', (fields) => {
      head = fields
    })
    call.on('status', ({ code, metadata: trailer }) => {
      if (code === status.OK) resolve({ message: text, head, trailer })
    })
  })
}

/** The error of a call that must fail. */
async function failure(call: Promise<unknown>): Promise<ServiceError> {
  return call.then(
    () => {
      throw new Error('the call did not fail')
    },
    (error) => error,
  )
}

describe('a gRPC server', () => {
  it('is started by a call, which is held meanwhile, and gets and gives metadata and trailers', async () => {
    await start(linked(grpcApp('startMs=300'), ['--h2c', '-c', '4']))
    const metadata = new Metadata()
    metadata.set('x-name', 'anna')
    metadata.set('x-blob-bin', Buffer.from([0, 1, 254, 255]))
    const { message, head, trailer } = await unary('hello', metadata)
    expect(message).toBe('hello')
    expect(head?.get('x-name')).toEqual(['anna'])
    expect(head?.get('x-blob-bin')).toEqual([Buffer.from([0, 1, 254, 255])])
    expect(trailer.get('x-bytes')).toEqual(['5'])
    const event = await edge.event('request')
    expect(event).toMatchObject({ instance: '127.0.0.1/1', method: 'POST', status: 200, error: null })
    expect(event.heldMs).toBeGreaterThan(200)
  })

  it('fails a call with its own status and message', async () => {
    await start(linked(grpcApp(), ['--h2c']))
    const error = await failure(unary('fail'))
    expect([error.code, error.details]).toEqual([status.NOT_FOUND, 'nothing here, schön: 100%'])
  })

  it('streams in each direction, and in both at once', async () => {
    await start(linked(grpcApp(), ['--h2c', '-c', '4']))
    const summed = new Promise<string>((resolve, reject) => {
      const upload = client.makeClientStreamRequest(
        '/test.Echo/Upload',
        encode,
        decode,
        new Metadata(),
        soon(),
        (error, answer) => (error ? reject(error) : resolve(answer ?? '')),
      )
      for (let i = 0; i < 100; i++) upload.write('x'.repeat(10_000))
      upload.end()
    })
    expect(await summed).toBe('100 1000000')

    const download = client.makeServerStreamRequest(
      '/test.Echo/Download',
      encode,
      decode,
      '100 10000',
      new Metadata(),
      soon(),
    )
    let bytes = 0
    for await (const message of download) bytes += (message as string).length
    expect(bytes).toBe(1_000_000)

    const chat = client.makeBidiStreamRequest('/test.Echo/Chat', encode, decode, new Metadata(), soon())
    for (const word of ['one', 'two']) {
      chat.write(word)
      // It is here before the next one is said.
      expect((await once(chat, 'data'))[0]).toBe(`you said ${word}`)
    }
    chat.end()
    chat.resume()
    expect((await once(chat, 'status'))[0].code).toBe(status.OK)
  })

  it('gets and gives messages of a megabyte', async () => {
    await start(linked(grpcApp(), ['--h2c']))
    const message = 'y'.repeat(1024 * 1024)
    expect((await unary(message)).message).toBe(message)
  })

  it('is told of calls that were cancelled, before their first answer and behind it', async () => {
    await start(linked(grpcApp(), ['--h2c', '-c', '4']))
    const hanging = new AbortController()
    const hung = failure(unary('hang', new Metadata(), soon(), hanging.signal))
    const download = client.makeServerStreamRequest(
      '/test.Echo/Download',
      encode,
      decode,
      'Infinity 10000',
      new Metadata(),
      soon(),
    )
    await once(download, 'data')
    const ended = once(download, 'error')
    download.cancel()
    hanging.abort()
    expect([(await ended)[0].code, (await hung).code]).toEqual([status.CANCELLED, status.CANCELLED])
    await eventually('both cancellations', async () => (await unary('cancelled')).message === '2')
  })

  it('that is too slow for the deadline of a call does not hold its client up', async () => {
    await start(linked(grpcApp(), ['--h2c']))
    await unary('warm')
    const error = await failure(unary('hang', new Metadata(), { deadline: Date.now() + 500 }))
    expect(error.code).toBe(status.DEADLINE_EXCEEDED)
    // Its slot is free again, or another copy's.
    expect((await unary('next')).message).toBe('next')
  })

  it('has its calls spread over copies, though the client has one connection', async () => {
    await start(linked(grpcApp(), ['--h2c']))
    const answers = await Promise.all([unary('pid'), unary('pid'), unary('pid')])
    expect(new Set(answers.map(({ message }) => message)).size).toBeGreaterThan(1)
  })

  it('may be called one in the file, so that its command need not say it', async () => {
    const file = new ConfigFile()
    files.push(file)
    file.set({ rpc: { hosts: ['127.0.0.1'], h2c: true, scaler: launched(linked(grpcApp())) } })
    edge = await EdgeProcess.start({ file: file.path })
    client = new Client(`127.0.0.1:${edge.port}`, credentials.createInsecure())
    expect((await unary('hello')).message).toBe('hello')
  })
})

describe('a gRPC client', () => {
  it('hears UNAVAILABLE, with the reason, of an application that cannot start', async () => {
    await start(linked(shell('exit 3'), ['--h2c']))
    const error = await failure(unary('hello'))
    expect(error.code).toBe(status.UNAVAILABLE)
    expect(error.details).toContain('edge/cannot-start')
  })

  it('hears UNAVAILABLE of an application that speaks no HTTP/2', async () => {
    const script = `require('node:http').createServer((_, response) => response.end()).listen(process.env.PORT)`
    await start(linked([process.execPath, '-e', script], ['--h2c']))
    const error = await failure(unary('hello'))
    expect(error.code).toBe(status.UNAVAILABLE)
    expect(error.details).toContain('edge/app-')
  })
})
