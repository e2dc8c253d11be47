import { createHash } from 'node:crypto'
import { connect, type Socket } from 'node:net'
import { fileURLToPath } from 'node:url'
import {
  BRXY,
  EdgeProcess,
  eventually,
  expectNoLeftovers,
  hasPeer,
  peakMemoryBytes,
  runToEnd,
  within,
} from '@brxy-tooling/testkit'
import { afterEach, describe, expect, it } from 'vitest'
import { linked, nodeApp, shell } from './apps.ts'
import { ConfigFile, launched } from './config-file.ts'

const MIB = 1024 * 1024
/** Larger than what either process may hold. */
const BULK_BYTES = 300 * MIB
/** Node itself takes 50 to 60 MiB of it. */
const MAX_MEMORY_BYTES = 150 * MIB

let edge: EdgeProcess
let port: number
const clients: Client[] = []
const files: ConfigFile[] = []

afterEach(async () => {
  // Clients first: an edge that drains waits for them.
  for (const { socket } of clients.splice(0)) socket.destroy()
  expect(edge.matching('bug')).toEqual([])
  await edge.close()
  for (const file of files.splice(0)) file.remove()
  await expectNoLeftovers()
})

/** A client that keeps what it gets. */
class Client {
  readonly socket: Socket
  text = ''
  end: 'fin' | 'reset' | null = null

  constructor(at = port) {
    this.socket = connect({ port: at, host: '127.0.0.1', allowHalfOpen: true })
    this.socket.setEncoding('latin1')
    this.socket.on('data', (data: string) => {
      this.text += data
    })
    this.socket.on('end', () => {
      this.end ??= 'fin'
    })
    this.socket.on('error', () => {
      this.end = 'reset'
    })
    clients.push(this)
  }

  send(data: string | Buffer): this {
    this.socket.write(data)
    return this
  }

  async until(text: string): Promise<void> {
    await eventually(`receiving ${text}`, () => this.text.includes(text))
  }

  async ended(): Promise<'fin' | 'reset'> {
    return eventually('the end', () => this.end)
  }
}

function tcpApp(mode: string, settings: Readonly<Record<string, number>> = {}): string[] {
  const app = fileURLToPath(new URL('tcp-app.mjs', import.meta.url))
  return [process.execPath, app, mode, ...Object.entries(settings).map(([name, value]) => `${name}=${value}`)]
}

/** An edge whose command is behind a TCP port: nothing tells the linker but the edge. */
async function started(command: readonly string[], flags: readonly string[] = []): Promise<void> {
  edge = await EdgeProcess.start({ flags: ['--tcp', '127.0.0.1:0=app', ...flags], command })
  port = await portOf('app')
}

async function portOf(route: string): Promise<number> {
  const { tcp } = await edge.event('listening')
  return Number((tcp as Record<string, string>)[route].replace(/^.*:/, ''))
}

describe('a TCP app', () => {
  it('is started by a connection, speaks first, and answers', async () => {
    await started(linked(tcpApp('lines', { startMs: 300 })))
    const client = new Client()
    await client.until('220 app\n')
    client.send('hello\nwor').send('ld\n')
    await client.until('HELLO\nWORLD\n')
    client.send('quit\n')
    await client.until('221 bye\n')
    expect(await client.ended()).toBe('fin')
    client.socket.end()
    const event = await edge.event('request')
    expect(event).toMatchObject({ app: 'app', instance: 'app/1', method: 'TCP', status: 0, error: null })
    expect(event.heldMs).toBeGreaterThan(200)
  })

  it('gets what was sent while it started, and the end behind it', async () => {
    await started(linked(tcpApp('sum', { startMs: 300 })))
    const bytes = Buffer.from(Uint8Array.from({ length: 5 * MIB }, (_, i) => (i * 31 + (i >> 8)) & 255))
    const client = new Client()
    client.socket.end(bytes)
    expect(await client.ended()).toBe('fin')
    expect(client.text).toBe(`${bytes.length} ${createHash('sha256').update(bytes).digest('hex')}\n`)
  })

  it('has a copy for each connection that it cannot serve beside the others', async () => {
    await started(linked(tcpApp('lines')), ['--max', '3'])
    const three = [new Client(), new Client(), new Client()]
    await Promise.all(three.map((client) => client.until('220')))
    const fourth = new Client()
    await eventually('the fourth is held', async () => (await edge.status()).apps[0].held.count === 1)
    three[0].send('quit\n').socket.end()
    await fourth.until('220')
    expect(edge.matching('launching').length).toBe(3)
  })

  it('is reset by a reset, and resets', async () => {
    await started(linked(tcpApp('lines'), ['-c', '2']))
    const first = new Client()
    await first.until('220')
    first.send('reset\n')
    expect(await first.ended()).toBe('reset')
    await edge.event('request', ({ error }) => error === 'edge/app-closed')
    const second = new Client()
    await second.until('220')
    second.socket.resetAndDestroy()
    await edge.event('request', ({ error }) => error === 'client gone')
    const third = new Client()
    await third.until('220')
  })

  it('is over when the application dies, and the next client gets a new copy', async () => {
    await started(linked(tcpApp('lines')))
    const first = new Client()
    await first.until('220')
    first.send('die\n')
    // The kernel ends the connections of the dead by FIN. Then the linker goes, and with it the other direction.
    await first.ended()
    await edge.event('request', ({ error }) => error === 'edge/tunnel-lost')
    await new Client().until('220')
  })

  it('is reset, with the reason in the log, when it cannot be started', async () => {
    await started(linked(shell('exit 3')))
    const client = new Client()
    expect(await client.ended()).toBe('reset')
    expect(await edge.event('request')).toMatchObject({ method: 'TCP', error: 'edge/cannot-start' })
  })

  it('makes an application wait for a client that does not read, and nobody else', async () => {
    await started(linked(tcpApp('flood', { bytes: BULK_BYTES }), ['-c', '2']))
    const stuck = new Client()
    stuck.socket.pause()
    stuck.send('f')
    // Time for everything that can flow to flow: as many round trips of somebody who is served.
    const other = new Client()
    for (let round = 0; round < 200; round++) {
      other.send(`e${round};`)
      await other.until(`e${round};`)
    }
    expect(peakMemoryBytes(edge.pid), 'memory of the edge').toBeLessThan(MAX_MEMORY_BYTES)
    expect(peakMemoryBytes(await edge.linkerPid()), 'memory of the linker').toBeLessThan(MAX_MEMORY_BYTES)
    // And all of it comes when it does.
    let bytes = 0
    stuck.socket.removeAllListeners('data').on('data', (data: string) => {
      bytes += data.length
    })
    stuck.socket.resume()
    await eventually('all of it', () => bytes === BULK_BYTES, 60_000)
    expect(peakMemoryBytes(edge.pid), 'memory of the edge').toBeLessThan(MAX_MEMORY_BYTES)
    expect(peakMemoryBytes(await edge.linkerPid()), 'memory of the linker').toBeLessThan(MAX_MEMORY_BYTES)
  })
})

describe('brxy.yaml', () => {
  it('has TCP apps beside others, each at its port', async () => {
    const file = new ConfigFile()
    files.push(file)
    const app = (mode: string) => ({
      tcp: { bind: '127.0.0.1:0' },
      scaler: launched(linked(tcpApp(mode))),
    })
    file.set({ greet: app('lines'), count: app('sum') })
    edge = await EdgeProcess.start({ file: file.path })
    const greeted = new Client(await portOf('greet'))
    await greeted.until('220 greet')
    const counted = new Client(await portOf('count'))
    counted.socket.end('12345')
    await counted.ended()
    expect(counted.text).toMatch(/^5 /)
    expect((await edge.ask('/')).status).toBe(404)
  })
})

describe('--tcp', () => {
  it.each([
    ['5432', '--tcp: "5432" is not [HOST:]PORT=ROUTE'],
    ['nowhere=db', '--tcp: "nowhere" is no address'],
    ['5432=Not A Name', '--tcp: '],
  ])('%s is a mistake', async (text, message) => {
    edge = await EdgeProcess.start()
    const { code, stderr } = await runToEnd(process.execPath, [BRXY, 'edge', '--tcp', text, '--', 'true'])
    expect(stderr).toContain(message)
    expect(code).toBe(2)
  })

  it('beside -p lets the command serve hosts as well', async () => {
    const script = 'if [ "$ROUTE" = app ]; then exec "$1" "$2" lines; else exec "$1" "$3" echo; fi'
    const [node, tcp] = tcpApp('lines')
    await started(linked(shell(script, node, tcp, nodeApp('echo')[1])))
    await new Client().until('220 app')
    expect((await edge.ask('/')).json()).toMatchObject({ env: { ROUTE: 'localhost' } })
  })
})

describe.skipIf(!hasPeer('redis-server') || !hasPeer('redis-cli'))('redis', () => {
  it('is a TCP app like any other', async () => {
    const server = ['redis-server', '--port', '{port}', '--save', '', '--appendonly', 'no']
    await started(linked(server, ['-c', '10']))
    const redis = async (...words: string[]) => {
      const { code, stdout, stderr } = await runToEnd('redis-cli', ['-p', `${port}`, ...words])
      expect(code, stderr).toBe(0)
      return stdout.trim()
    }
    expect(await redis('PING')).toBe('PONG')
    expect(await redis('SET', 'key', 'x'.repeat(100_000))).toBe('OK')
    expect(await redis('STRLEN', 'key')).toBe('100000')
    expect(await redis('GET', 'key')).toBe('x'.repeat(100_000))
    const commands = Array.from({ length: 5_000 }, (_, i) => `SET k${i} ${i}`).join('\n')
    const piped = shell('printf "%s\\n" "$2" | redis-cli -p "$1" --pipe', `${port}`, commands)
    const { stdout } = await runToEnd(piped[0], piped.slice(1))
    expect(stdout).toContain('errors: 0, replies: 5000')
    expect(await redis('DBSIZE')).toBe('5001')
    expect(edge.matching('launching').length).toBe(1)
  })
})

describe.skipIf(!hasPeer('nc'))('nc', () => {
  it('ends its direction, and gets what comes after that', async () => {
    await started(linked(tcpApp('sum')))
    const words = shell('printf 12345 | nc -N 127.0.0.1 "$1"', `${port}`)
    const { stdout } = await within('nc', runToEnd(words[0], words.slice(1)))
    expect(stdout).toMatch(/^5 [0-9a-f]{64}\n$/)
  })
})
