import { Agent, request } from 'node:https'
import { createConnection } from 'node:net'
import { connect, type DetailedPeerCertificate, type TLSSocket } from 'node:tls'
import {
  brxy,
  EdgeProcess,
  eventually,
  expectNoLeftovers,
  freePorts,
  type Running,
  runToEnd,
  within,
} from '@brxy-tooling/testkit'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { brxyToken, linked, nodeApp } from './apps.ts'
import { ConfigFile, launched } from './config-file.ts'
import { TestCa } from './test-ca.ts'

const RENEWALS = 10
const CONNECTIONS = 8

let file: ConfigFile
let ca: TestCa
let edge: EdgeProcess | null
const linkers: Running[] = []

beforeEach(() => {
  file = new ConfigFile()
  ca = new TestCa(file.directory)
  edge = null
})

afterEach(async () => {
  for (const linker of linkers.splice(0)) await linker.stop()
  await edge?.close()
  file.remove()
  await expectNoLeftovers()
})

const apps = {
  shop: { hosts: ['shop.test'], scaler: launched(linked(nodeApp('echo'), ['-c', '8'])) },
  blog: { hosts: ['blog.test'], scaler: launched(linked(nodeApp('echo'), ['-c', '8'])) },
}

async function start(flags: readonly string[] = []): Promise<EdgeProcess> {
  edge = await EdgeProcess.start({ file: file.path, flags, requests: false })
  return edge
}

/** curl, which finds each host at the edge and trusts the CA. */
async function curl(port: number, ...words: string[]): Promise<string> {
  const hosts = ['shop.test', 'blog.test'].flatMap((host) => ['--resolve', `${host}:${port}:127.0.0.1`])
  const all = ['-sS', '--max-time', '20', '--cacert', ca.file, ...hosts, ...words]
  const { code, stdout, stderr } = await runToEnd('curl', all)
  expect(code, stderr).toBe(0)
  return stdout
}

/** The certificate that a new client is shown. */
async function shown(port: number, servername = 'shop.test'): Promise<DetailedPeerCertificate> {
  const socket = connect({ host: '127.0.0.1', port, servername, ca: ca.read('ca.pem') })
  try {
    await within(
      'a handshake',
      new Promise((resolve, reject) => socket.once('secureConnect', resolve).once('error', reject)),
    )
    return socket.getPeerCertificate(true)
  } finally {
    socket.destroy()
  }
}

describe('clients with TLS', () => {
  it('are served under two names at one port, each with its certificate; the application knows that it is https', async () => {
    const certs = [ca.sign('shop', ['DNS:shop.test']), ca.sign('blog', ['DNS:blog.test'])]
    file.set(apps, { listen: [{ bind: '127.0.0.1:0', tls: { certs } }] })
    const { port } = await start()
    for (const host of ['shop.test', 'blog.test']) {
      const echoed = JSON.parse(await curl(port, `https://${host}:${port}/x?y=z`))
      expect(echoed).toMatchObject({ url: '/x?y=z', headers: { 'x-forwarded-proto': 'https' } })
      expect(echoed.headers.host).toBe(`${host}:${port}`)
      expect((await shown(port, host)).subjectaltname).toBe(`DNS:${host}`)
    }
    // curl offers HTTP/2 as well.
    const words = ['--http2', '-o', '/dev/null', '-w', '%{http_version} %{ssl_verify_result}']
    expect(await curl(port, ...words, `https://shop.test:${port}/`)).toBe('2 0')
  })

  it('are redirected from the port without TLS', async () => {
    const certs = [ca.sign('shop', ['DNS:shop.test'])]
    const [plain, secure] = await freePorts(2)
    const listen = [
      { bind: `127.0.0.1:${plain}`, redirect: 'https' },
      { bind: `127.0.0.1:${secure}`, tls: { certs } },
    ]
    file.set(apps, { listen })
    await start()
    const hosts = ['--resolve', `shop.test:${plain}:127.0.0.1`]
    const words = [...hosts, '-L', '-d', 'a=1', '-w', '\n%{num_redirects} %{url_effective}']
    const [json, said] = (await curl(secure, ...words, `http://shop.test:${plain}/form`)).split('\n')
    expect(JSON.parse(json)).toMatchObject({ method: 'POST', url: '/form', body: 'a=1' })
    expect(said).toBe(`1 https://shop.test:${secure}/form`)
  })

  it('are refused with TLS 1.1', async () => {
    file.set(apps, {
      listen: [{ bind: '127.0.0.1:0', tls: { certs: [ca.sign('shop', ['DNS:shop.test'])] } }],
    })
    const { port } = await start()
    const words = ['s_client', '-connect', `127.0.0.1:${port}`, '-cipher', 'DEFAULT@SECLEVEL=0']
    const old = await runToEnd('openssl', [...words, '-tls1_1'])
    expect(old.stderr).toMatch(/alert protocol version/)
    expect((await runToEnd('openssl', [...words, '-tls1_2'])).stdout).toMatch(/Protocol {2}: TLSv1.2/)
  })

  it('are cut when their handshake takes too long', async () => {
    const certs = [ca.sign('shop', ['DNS:shop.test'])]
    file.set(apps, { listen: [{ bind: '127.0.0.1:0', tls: { certs } }], timeouts: { tlsHandshake: '200ms' } })
    const { port } = await start()
    const silent = createConnection(port, '127.0.0.1')
    silent.on('error', () => {})
    silent.resume()
    await within('the cut', new Promise((resolve) => silent.once('close', resolve)))
  })
})

describe('a certificate that is renewed while the edge runs', () => {
  it('is shown to new clients, and no request of those that are connected fails', async () => {
    const renew = () => ca.sign('shop', ['DNS:shop.test'])
    file.set(apps, { listen: [{ bind: '127.0.0.1:0', tls: { certs: [renew()] } }] })
    const { port } = await start()
    const agent = new Agent({
      keepAlive: true,
      maxSockets: CONNECTIONS,
      ca: ca.read('ca.pem'),
      servername: 'shop.test',
    })
    const failures: string[] = []
    const sockets = new Set<TLSSocket>()
    let count = 0
    let isOver = false
    const ask = () =>
      new Promise<void>((resolve) => {
        const id = `/${count++}`
        const fail = (why: unknown) => {
          failures.push(`${id}: ${why}`)
          resolve()
        }
        const asked = request({ host: '127.0.0.1', port, path: id, headers: { host: 'shop.test' }, agent })
        asked.on('socket', (socket) => sockets.add(socket as TLSSocket))
        asked.on('error', fail)
        asked.on('response', (response) => {
          let text = ''
          response.on('data', (data) => {
            text += data
          })
          response.on('error', fail)
          response.on('end', () =>
            response.statusCode === 200 && JSON.parse(text).url === id ? resolve() : fail(text),
          )
        })
        asked.end()
      })
    const load = Array.from({ length: CONNECTIONS }, async () => {
      while (!isOver) await ask()
    })
    const more = () => {
      const before = count
      return eventually('the load goes on', () => count >= before + 2 * CONNECTIONS)
    }
    try {
      const prints = new Set<string>()
      for (let at = 1; at <= RENEWALS; at++) {
        await more()
        renew()
        edge?.signal('SIGHUP')
        await edge?.event('reloaded', undefined, at)
        prints.add((await shown(port)).fingerprint256)
      }
      expect(prints.size).toBe(RENEWALS)
      await more()
    } finally {
      isOver = true
      await Promise.all(load)
      agent.destroy()
    }
    expect(failures).toEqual([])
    expect(sockets.size).toBe(CONNECTIONS)
    expect(count).toBeGreaterThan(2 * CONNECTIONS * RENEWALS)
    expect(edge?.matching('bug')).toEqual([])
  })

  it('is seen by --watch; one that does not fit its key changes nothing', async () => {
    const certs = [ca.sign('shop', ['DNS:shop.test'])]
    file.set(apps, { listen: [{ bind: '127.0.0.1:0', tls: { certs } }] })
    const { port } = await start(['--watch'])
    const before = (await shown(port)).fingerprint256
    const key = ca.read('shop.key')
    ca.sign('shop', ['DNS:shop.test'])
    await edge?.event('reloaded')
    const renewed = (await shown(port)).fingerprint256
    expect(renewed).not.toBe(before)
    file.beside('shop.key', key)
    const failed = await edge?.event('reload failed')
    expect(failed?.problems).toEqual([
      expect.stringMatching(
        /brxy\.yaml:\d+:\d+: listen\[0\]\.tls\.certs\[0\]\.key: ".*shop\.key" is not the key of /,
      ),
    ])
    expect((await shown(port)).fingerprint256).toBe(renewed)
  })

  it('is checked first: brxy check and brxy reload say which file is wrong, and why', async () => {
    const certs = [ca.sign('shop', ['DNS:shop.test'])]
    const listen = [{ bind: '127.0.0.1:0', tls: { certs } }]
    file.set(apps, { listen })
    await start()
    file.beside('shop.pem', 'noise')
    const expected =
      /brxy\.yaml:\d+:\d+: listen\[0\]\.tls\.certs\[0\]\.cert: ".*shop\.pem" has no certificate in it; expected PEM/
    const checked = await file.run(['check'])
    expect([checked.code, checked.stderr]).toEqual([78, expect.stringMatching(expected)])
    const reloaded = await file.reload(edge as EdgeProcess)
    expect([reloaded.code, reloaded.stderr]).toEqual([78, expect.stringMatching(expected)])
  })
})

describe('a tunnel with TLS', () => {
  const tunnel = (more: object = {}) => {
    const own = ca.sign('tunnel', ['IP:127.0.0.1'])
    return { tunnel: { bind: '127.0.0.1:0', tls: { ...own, ...more } } }
  }

  /** A linker that a person starts. */
  async function link(env: Readonly<Record<string, string>>): Promise<Running> {
    const running = edge as EdgeProcess
    const address = `wss://${running.tunnel}`
    const words = ['link', '-e', address, '-r', 'shop', '--log', 'text', '--', ...nodeApp('echo')]
    const linker = brxy(words, { env: { BRXY_TOKEN: await brxyToken(running, 'shop'), ...env } })
    linkers.push(linker)
    return linker
  }

  it('is dialled by launched linkers, which are told so', async () => {
    const command = linked(nodeApp('echo'), ['--edge-ca', ca.file])
    file.set({ shop: { hosts: ['shop.test'], scaler: launched(command) } }, tunnel())
    const running = await start()
    const answer = await running.ask('/', { host: 'shop.test' })
    expect(answer.status, answer.text).toBe(200)
    expect(running.matching('rejected')).toEqual([])
  })

  it('takes a linker with a certificate of the client CA, and none without', async () => {
    file.set({ shop: { hosts: ['shop.test'] } }, tunnel({ clientCa: 'ca.pem' }))
    const running = await start()
    const without = await link({ BRXY_EDGE_CA: ca.file })
    await without.prints(
      /edge\/client-certificate .*presented no client certificate; give it one .*BRXY_EDGE_CERT and BRXY_EDGE_KEY/,
    )
    expect(await running.event('rejected')).toMatchObject({ code: 'edge/client-certificate' })
    const { cert, key } = ca.sign('linker', [])
    const identity = { BRXY_EDGE_CERT: ca.path(cert), BRXY_EDGE_KEY: ca.path(key) }
    await link({ BRXY_EDGE_CA: ca.file, ...identity })
    const answer = await running.ask('/', { host: 'shop.test' })
    expect(answer.status, answer.text).toBe(200)
  })

  it('is not believed by a linker with another CA, which says what to do and goes on trying', async () => {
    file.set({ shop: { hosts: ['shop.test'] } }, tunnel())
    const running = await start()
    const other = new TestCa(file.directory, 'trusted')
    const linker = await link({ BRXY_EDGE_CA: other.file })
    await linker.prints(
      /link\/tls .*the CA in ".*trusted\.pem" has not signed the certificate of the edge \(.*\); .*--edge-ca or BRXY_EDGE_CA/,
    )
    // The file is read at each dial: a platform may bring the right one later.
    file.beside('trusted.pem', ca.read('ca.pem'))
    const answer = await running.ask('/', { host: 'shop.test' })
    expect(answer.status, answer.text).toBe(200)
  })
})
