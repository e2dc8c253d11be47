import { request } from 'node:http'
import { Agent, request as secureRequest } from 'node:https'
import { connect, type Socket } from 'node:net'
import {
  EdgeProcess,
  eventually,
  expectNoLeftovers,
  freePorts,
  hasPeer,
  Running,
  runToEnd,
} from '@brxy-tooling/testkit'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { linked, nodeApp, shell } from './apps.ts'
import { ConfigFile, launched } from './config-file.ts'
import { TestCa } from './test-ca.ts'

/** Where clients come from, as the system allows it: so they are told from a proxy at 127.0.0.1. */
const CLIENT = '127.0.0.2'

let file: ConfigFile
let edge: EdgeProcess
const others: Running[] = []
const sockets: Socket[] = []

beforeEach(() => {
  file = new ConfigFile()
})

afterEach(async () => {
  for (const socket of sockets.splice(0)) socket.destroy()
  for (const other of others.splice(0)) await other.stop()
  try {
    expect(edge.matching('bug')).toEqual([])
  } finally {
    await edge.close()
    file.remove()
    await expectNoLeftovers()
  }
})

/** The port of a `host:port`. */
const portOf = (address: string) => Number(address.replace(/^.*:/, ''))

async function listening(): Promise<{ clients: number[]; tcp: Record<string, number> }> {
  const event = await edge.event('listening')
  const tcp = Object.entries(event.tcp as Record<string, string>)
  return {
    clients: (event.clients as string[]).map(portOf),
    tcp: Object.fromEntries(tcp.map(([app, address]) => [app, portOf(address)])),
  }
}

/** What the application sees of a request of the client's: the body of the answer, as JSON. */
// biome-ignore lint/suspicious/noExplicitAny: tests look at the parts they know.
async function seen(port: number, ca?: string): Promise<any> {
  const options = {
    host: '127.0.0.1',
    port,
    localAddress: CLIENT,
    path: '/x',
    headers: { host: 'shop.test' },
  }
  const text = await new Promise<string>((resolve, reject) => {
    const made =
      ca === undefined
        ? request({ ...options, agent: false })
        : secureRequest({ ...options, agent: new Agent({ ca }), servername: 'shop.test' })
    made
      .on('error', reject)
      .on('response', (response) => {
        let text = ''
        response
          .on('data', (data) => {
            text += data
          })
          .on('end', () => resolve(text))
          .on('error', reject)
      })
      .end()
  })
  return JSON.parse(text)
}

/** Sends a line to a TCP port, as the client. @returns what has come when it matches */
async function say(port: number, line: string, until: RegExp): Promise<RegExpExecArray> {
  const socket = connect({ host: '127.0.0.1', port, localAddress: CLIENT })
  sockets.push(socket)
  let text = ''
  socket.on('data', (data) => {
    text += data
  })
  socket.on('error', () => {})
  socket.write(`${line}\n`)
  return eventually(`${until} after ${JSON.stringify(text)}`, () => until.exec(text))
}

/** An edge that takes PROXY headers of 127.0.0.1 at three ports: HTTP, TLS, and that of a TCP app. */
async function startBehindProxy(): Promise<string> {
  const ca = new TestCa(file.directory)
  const certs = [ca.sign('shop', ['DNS:shop.test'])]
  const tcpApp = new URL('tcp-app.mjs', import.meta.url).pathname
  file.set(
    {
      shop: { hosts: ['shop.test'], scaler: launched(linked(nodeApp('echo'), ['-c', '8'])) },
      db: {
        tcp: { bind: '127.0.0.1:0', proxyProtocol: true },
        scaler: launched(
          linked([process.execPath, tcpApp, 'lines'], ['--tcp', '--send-proxy', 'v1', '-c', '8']),
        ),
      },
    },
    {
      listen: [
        { bind: '127.0.0.1:0', proxyProtocol: true },
        { bind: '127.0.0.1:0', proxyProtocol: true, tls: { certs } },
      ],
      trustedProxies: ['127.0.0.1'],
    },
  )
  edge = await EdgeProcess.start({ file: file.path })
  return ca.read('ca.pem')
}

describe.skipIf(!hasPeer('haproxy'))('HAProxy in front', () => {
  it.each(['send-proxy', 'send-proxy-v2', 'send-proxy-v2 proxy-v2-options crc32c,unique-id'])(
    'with %s names the client to an HTTP listener, to one with TLS, and to a TCP app',
    async (send) => {
      const ca = await startBehindProxy()
      const { clients, tcp } = await listening()
      const [http, https, db] = await haproxy(`${send} check inter 100ms`, [...clients, tcp.db])
      expect((await seen(http)).headers).toMatchObject({
        'x-forwarded-for': CLIENT,
        'x-forwarded-proto': 'http',
      })
      expect((await seen(https, ca)).headers).toMatchObject({
        'x-forwarded-for': CLIENT,
        'x-forwarded-proto': 'https',
      })
      // Its linker tells the application, which sends it back.
      const [, destination] = await say(
        db,
        'hello',
        /^220 db\nPROXY TCP4 127\.0\.0\.2 127\.0\.0\.1 \d+ (\d+)\r\nHELLO\n$/,
      )
      expect(Number(destination)).toBe(db)
      // Its health checks, which come and go, are nobody's mistake.
      expect(edge.matching('connection-refused')).toEqual([])
    },
  )

  it('without it gets nothing, and the operator is told why', async () => {
    await startBehindProxy()
    const { clients } = await listening()
    const [http] = await haproxy('', clients.slice(0, 1))
    await expect(seen(http)).rejects.toMatchObject({ code: 'ECONNRESET' })
    expect(await edge.event('connection-refused')).toMatchObject({
      level: 'warn',
      code: 'edge/bad-proxy-header',
      peer: '127.0.0.1',
      listener: `127.0.0.1:${clients[0]}`,
    })
  })
})

describe.skipIf(!hasPeer('curl'))('curl', () => {
  it('names itself with --haproxy-protocol; without it, and from elsewhere, it is no client', async () => {
    await startBehindProxy()
    const { clients } = await listening()
    const [http, https] = clients
    const curl = (...words: string[]) =>
      runToEnd('curl', ['-sS', '--max-time', '20', '-H', 'Host: shop.test', ...words])
    const plain = await curl('--haproxy-protocol', `http://127.0.0.1:${http}/`)
    expect(JSON.parse(plain.stdout).headers).toMatchObject({ 'x-forwarded-for': '127.0.0.1' })
    const resolve = ['--resolve', `shop.test:${https}:127.0.0.1`, '--cacert', `${file.directory}/ca.pem`]
    const secure = await curl('--haproxy-protocol', ...resolve, `https://shop.test:${https}/`)
    expect(JSON.parse(secure.stdout).headers).toMatchObject({ 'x-forwarded-proto': 'https' })
    expect((await curl(`http://127.0.0.1:${http}/`)).code).not.toBe(0)
    expect(
      (await curl('--haproxy-protocol', '--interface', CLIENT, `http://127.0.0.1:${http}/`)).code,
    ).not.toBe(0)
    // The second of two within ten seconds is only counted.
    expect(edge.matching('connection-refused')).toHaveLength(1)
  })
})

describe.skipIf(!hasPeer('nginx'))('nginx as the application', () => {
  it.each(['v1', 'v2'])('that asks for a PROXY header gets the client of the edge (%s)', async (version) => {
    file.beside(
      'nginx/template',
      `${process.getuid?.() === 0 ? 'user root;\n' : ''}daemon off;
worker_processes 1;
pid pid;
error_log stderr;
events {}
http {
  access_log off;
  client_body_temp_path a; proxy_temp_path b; fastcgi_temp_path c; uwsgi_temp_path d; scgi_temp_path e;
  server {
    listen 127.0.0.1:PORT proxy_protocol;
    location / {
      return 200 '{"client":"$proxy_protocol_addr","port":"$proxy_protocol_port","server":"$proxy_protocol_server_addr:$proxy_protocol_server_port"}';
    }
  }
}
`,
    )
    const nginx = shell(
      'sed "s/PORT/$PORT/" "$1/template" > "$1/$PORT" && exec nginx -e stderr -p "$1" -c "$1/$PORT"',
      `${file.directory}/nginx`,
    )
    // Its health page wants a header as well.
    const flags = ['--send-proxy', version, '--health', '/up', '-c', '4']
    file.set({ shop: { hosts: ['shop.test'], scaler: launched(linked(nginx, flags)) } })
    edge = await EdgeProcess.start({ file: file.path })
    const expected = { client: CLIENT, server: `127.0.0.1:${edge.port}` }
    const two = [await seen(edge.port), await seen(edge.port)]
    expect(two).toMatchObject([expected, expected])
    expect(two[0].port).not.toBe(two[1].port)
  })
})

/** Starts HAProxy with a port of its own before each of these. @returns its ports */
async function haproxy(send: string, ports: readonly number[]): Promise<number[]> {
  const own = await freePorts(ports.length)
  const listeners = ports.map(
    (port, at) => `listen l${at}
  bind 127.0.0.1:${own[at]}
  server edge 127.0.0.1:${port} ${send}
`,
  )
  const path = file.beside(
    'haproxy.cfg',
    `global
  maxconn 100
defaults
  mode tcp
  unique-id-format %[uuid()]
  timeout connect 10s
  timeout client 60s
  timeout server 60s
${listeners.join('')}`,
  )
  const running = new Running('haproxy', ['-db', '-f', path])
  others.push(running)
  for (const port of own) {
    await eventually('HAProxy listens', async () => {
      if (running.exit !== null) throw new Error(running.output)
      return accepts(port)
    })
  }
  return own
}

function accepts(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1')
    socket.on('error', () => resolve(false))
    socket.on('connect', () => {
      socket.destroy()
      resolve(true)
    })
  })
}
