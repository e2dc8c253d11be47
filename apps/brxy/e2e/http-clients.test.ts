import { writeFileSync } from 'node:fs'
import { Agent, request } from 'node:http'
import { join } from 'node:path'
import { EdgeProcess, expectNoLeftovers, hasPeer, runToEnd, tempDir } from '@brxy-tooling/testkit'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { linked, nodeApp, shell } from './apps.ts'

let edge: EdgeProcess
let dir: ReturnType<typeof tempDir>

async function run(command: string, ...args: string[]): Promise<string> {
  const { code, stdout, stderr } = await runToEnd(command, args)
  expect(code, `${command}: ${stderr}${stdout}`).toBe(0)
  return stdout
}

/** An edge for all tests of a block; its application is warm after the first. */
function oneEdge(command: () => string[], requests = true): void {
  beforeAll(async () => {
    dir = tempDir()
    edge = await EdgeProcess.start({ command: command(), requests })
  })
  afterEach(() => {
    expect(edge.matching('bug')).toEqual([])
    expect(edge.matching('launch failed')).toEqual([])
  })
  afterAll(async () => {
    await edge.close()
    dir.remove()
    await expectNoLeftovers()
  })
}

describe.skipIf(!hasPeer('curl'))('curl', () => {
  oneEdge(() => linked(nodeApp('echo')))
  const curl = (...args: string[]) => run('curl', '-sS', '--max-time', '20', ...args)

  it.each(['GET', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'PROPFIND'])('sends %s', async (method) => {
    const echoed = JSON.parse(await curl('-X', method, edge.url('/a%20b?c=d')))
    expect(echoed).toMatchObject({ method, url: '/a%20b?c=d', bytes: 0 })
  })

  it('sends a body of known length with each method that has one', async () => {
    for (const method of ['POST', 'PUT', 'PATCH', 'DELETE']) {
      const echoed = JSON.parse(await curl('-X', method, '-d', 'a=1', edge.url()))
      expect(echoed).toMatchObject({ method, bytes: 3, body: 'a=1', headers: { 'content-length': '3' } })
    }
  })

  it('uploads a file, waiting for 100-continue', async () => {
    const file = join(dir.path, 'file')
    writeFileSync(file, Buffer.alloc(3 * 1024 * 1024, 'x'))
    // curl says Expect: 100-continue by itself above 1 MiB, and waits a second for the 100.
    const words = ['-T', file, '-w', ' %{time_total}', edge.url('/up')]
    const [json, seconds] = (await curl(...words)).split(/ (?=[\d.]+$)/)
    const echoed = JSON.parse(json)
    expect(echoed).toMatchObject({ method: 'PUT', url: '/up', bytes: 3 * 1024 * 1024 })
    expect(echoed.headers.expect).toBeUndefined()
    expect(Number(seconds)).toBeLessThan(5)
  })

  it('uploads with chunked coding', async () => {
    const chunked = ['-H', 'Transfer-Encoding: chunked', '-d', 'some data', edge.url()]
    expect(JSON.parse(await curl(...chunked))).toMatchObject({
      bytes: 9,
      body: 'some data',
      headers: { 'transfer-encoding': 'chunked' },
    })
  })

  it('asks for the head only, and keeps the connection', async () => {
    const output = await curl(
      '-I',
      edge.url('/1'),
      '-I',
      edge.url('/2'),
      '-w',
      'connections %{num_connects}\n',
    )
    expect(output.match(/^HTTP\/1\.1 200 OK\r$/gm)?.length).toBe(2)
    expect(output).toMatch(/^content-type: application\/json\r$/im)
    expect(output.match(/^connections (\d)$/gm)).toEqual(['connections 1', 'connections 0'])
  })

  it('speaks HTTP/1.0: no chunked coding, and the connection ends the body', async () => {
    const output = await curl('-i', '--http1.0', edge.url('/old'))
    expect(output).toMatch(/^HTTP\/1\.[01] 200 OK\r\n/)
    expect(output).not.toMatch(/^transfer-encoding/im)
    expect(output).toMatch(/^connection: close\r$/im)
    expect(JSON.parse(output.split('\r\n\r\n')[1])).toMatchObject({ url: '/old' })
  })

  it('reaches several hosts by --resolve', async () => {
    const resolve = ['--resolve', `shop.test:${edge.port}:127.0.0.1`]
    const echoed = JSON.parse(await curl(...resolve, `http://shop.test:${edge.port}/`))
    expect(echoed).toMatchObject({ env: { ROUTE: 'shop.test' }, headers: { host: `shop.test:${edge.port}` } })
  })
})

describe.skipIf(!hasPeer('python3'))("python's http.client", () => {
  oneEdge(() => linked(nodeApp('echo')))

  it('keeps its connection over requests of all kinds', async () => {
    const script = `
import http.client, json
c = http.client.HTTPConnection('localhost', ${edge.port}, timeout=20)
c.connect()
local = c.sock.getsockname()
seen = []
def ask(method, path, **more):
    c.request(method, path, **more)
    r = c.getresponse()
    body = r.read()
    assert r.status == 200, body
    assert c.sock is not None and c.sock.getsockname() == local, 'a new connection'
    if method != 'HEAD': seen.append([json.loads(body)[k] for k in ('method', 'url', 'bytes')])
ask('GET', '/1')
ask('POST', '/2', body=b'x' * 100000)
ask('HEAD', '/3')
ask('PUT', '/4', body=iter([b'one', b'two', b'three']), encode_chunked=True, headers={'Transfer-Encoding': 'chunked'})
ask('DELETE', '/5')
print(json.dumps(seen))
`
    const seen = JSON.parse(await run('python3', '-c', script))
    expect(seen).toEqual([
      ['GET', '/1', 0],
      ['POST', '/2', 100_000],
      ['PUT', '/4', 11],
      ['DELETE', '/5', 0],
    ])
  })
})

describe("Node's fetch and http", () => {
  oneEdge(() => linked(nodeApp('echo'), ['-c', '4']))

  it('fetch sends text, streams and nothing', async () => {
    const stream = new ReadableStream({
      start(controller) {
        for (const part of ['one', 'two']) controller.enqueue(new TextEncoder().encode(part))
        controller.close()
      },
    })
    const bodies = [
      { body: 'text', duplex: undefined },
      { body: stream, duplex: 'half' },
      { body: undefined, duplex: undefined },
    ]
    const bytes: number[] = []
    for (const { body, duplex } of bodies) {
      const init = { method: 'POST', body, duplex } as RequestInit
      bytes.push(((await (await fetch(edge.url(), init)).json()) as { bytes: number }).bytes)
    }
    expect(bytes).toEqual([4, 6, 0])
  })

  it('http serves 500 requests over 8 kept connections, each by its own answer', async () => {
    const agent = new Agent({ keepAlive: true, maxSockets: 8 })
    const ask = (number: number) =>
      new Promise<string>((resolve, reject) => {
        request({
          agent,
          port: edge.port,
          host: '127.0.0.1',
          path: `/${number}`,
          headers: { host: 'localhost' },
        })
          .on('error', reject)
          .on('response', (response) => {
            let text = ''
            response.on('data', (data) => {
              text += data
            })
            response.on('end', () => resolve(JSON.parse(text).url))
          })
          .end()
      })
    const urls = await Promise.all(Array.from({ length: 500 }, (_, number) => ask(number)))
    agent.destroy()
    expect(urls).toEqual(Array.from({ length: 500 }, (_, number) => `/${number}`))
  })
})

describe('load', () => {
  const COUNT = 2000
  oneEdge(() => linked(nodeApp('parallel'), ['-c', '16']), false)

  it.skipIf(!hasPeer('wrk'))('wrk: thousands of requests, and not one error', async () => {
    expect((await edge.ask()).status).toBe(200)
    const report = await run('wrk', '-t1', '-c16', '-d2s', edge.url())
    expect(Number(/(\d+) requests in/.exec(report)?.[1]), report).toBeGreaterThan(1000)
    expect(report).not.toMatch(/Socket errors|Non-2xx/)
  })

  it.skipIf(!hasPeer('ab')).each([
    ['kept', ['-k']],
    ['new', []],
  ])('ab over HTTP/1.0 with %s connections: every request succeeds', async (kind, flags) => {
    const report = await run(
      'ab',
      '-q',
      '-n',
      String(COUNT),
      '-c',
      '8',
      ...flags,
      edge.url('/').replace('localhost', '127.0.0.1'),
    )
    const figure = (name: string) => Number(new RegExp(`^${name}:\\s+(\\d+)`, 'm').exec(report)?.[1] ?? 0)
    expect(figure('Complete requests'), report).toBe(COUNT)
    expect(figure('Failed requests'), report).toBe(0)
    expect(figure('Non-2xx responses'), report).toBe(0)
    if (kind === 'kept') expect(figure('Keep-Alive requests'), report).toBe(COUNT)
  })
})

describe.skipIf(!hasPeer('nginx'))('nginx as the application', () => {
  /** As root nginx would change to another user, who cannot read the test's folder. */
  const user = process.getuid?.() === 0 ? 'user root;' : ''
  const conf = (root: string) => `
daemon off; master_process off; ${user} pid ${root}/pid; error_log stderr warn;
events { worker_connections 64; }
http {
  access_log off; client_body_temp_path ${root}/body; proxy_temp_path ${root}/proxy;
  fastcgi_temp_path ${root}/fcgi; uwsgi_temp_path ${root}/uwsgi; scgi_temp_path ${root}/scgi;
  server {
    listen 127.0.0.1:PORT;
    location / { return 200 "nginx for $host\\n"; }
    location /files/ { alias ${root}/; }
  }
}`
  oneEdge(() => {
    writeFileSync(join(dir.path, 'template'), conf(dir.path))
    writeFileSync(join(dir.path, 'a.bin'), Buffer.alloc(1_000_000, 'a'))
    const script =
      'sed "s/PORT/$PORT/" "$1/template" > "$1/$PORT" && exec nginx -e stderr -p "$1" -c "$1/$PORT"'
    return linked(shell(script, dir.path), ['-c', '8'])
  })

  it('answers, keeps connections, serves files and ranges', async () => {
    expect(await edge.ask()).toMatchObject({ status: 200, text: 'nginx for localhost\n' })
    const whole = await edge.ask('/files/a.bin')
    expect(whole).toMatchObject({ status: 200, headers: { 'content-length': '1000000' } })
    expect(whole.text.length).toBe(1_000_000)
    const part = await edge.ask('/files/a.bin', { headers: { range: 'bytes=10-19' } })
    expect(part).toMatchObject({ status: 206, text: 'a'.repeat(10) })
    const { etag = '' } = whole.headers
    const unchanged = await edge.ask('/files/a.bin', { headers: { 'if-none-match': etag } })
    expect(unchanged).toMatchObject({ status: 304, text: '' })
    expect(await edge.ask('/files/none')).toMatchObject({ status: 404 })
  })

  it.skipIf(!hasPeer('wrk'))('under wrk: thousands of requests, and not one error', async () => {
    const report = await run('wrk', '-t1', '-c32', '-d2s', edge.url())
    expect(Number(/(\d+) requests in/.exec(report)?.[1]), report).toBeGreaterThan(1000)
    expect(report).not.toMatch(/Socket errors|Non-2xx/)
  })
})
