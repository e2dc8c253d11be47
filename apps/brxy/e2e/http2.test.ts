import { createHash } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { connect } from 'node:http2'
import { join } from 'node:path'
import { EdgeProcess, eventually, expectNoLeftovers, hasPeer, runToEnd } from '@brxy-tooling/testkit'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { linked, nodeApp, shell } from './apps.ts'
import { ConfigFile, launched } from './config-file.ts'
import { TestCa } from './test-ca.ts'

const MIB = 1024 * 1024

let file: ConfigFile
let ca: TestCa
let edge: EdgeProcess
beforeEach(() => {
  file = new ConfigFile()
  ca = new TestCa(file.directory)
})
afterEach(async () => {
  expect(edge.matching('bug')).toEqual([])
  await edge.close()
  file.remove()
  await expectNoLeftovers()
})

/** An edge with one app at shop.test. @returns where curl finds it */
async function start(scheme: 'http' | 'https', app: readonly string[], slots = 4): Promise<string> {
  const tls = scheme === 'https' ? { tls: { certs: [ca.sign('shop', ['DNS:shop.test'])] } } : {}
  const apps = { shop: { hosts: ['shop.test'], scaler: launched(linked(app, ['-c', String(slots)])) } }
  file.set(apps, { listen: [{ bind: '127.0.0.1:0', ...tls }] })
  edge = await EdgeProcess.start({ file: file.path })
  return `${scheme}://shop.test:${edge.port}`
}

/** curl that speaks HTTP/2 and nothing else. */
async function curl(...words: string[]): Promise<string> {
  const how = ['--resolve', `shop.test:${edge.port}:127.0.0.1`, '--cacert', ca.file]
  const version = words.some((word) => word.startsWith('https:')) ? '--http2' : '--http2-prior-knowledge'
  const all = ['-sS', '--max-time', '40', version, ...how, ...words]
  const { code, stdout, stderr } = await runToEnd('curl', all)
  expect(code, stderr).toBe(0)
  return stdout
}

describe.skipIf(!hasPeer('curl')).each(['https', 'http'] as const)('curl --http2 with %s', (scheme) => {
  it('starts an application, and reaches it again and again', async () => {
    const url = await start(scheme, nodeApp('echo'))
    const cold = JSON.parse(await curl(`${url}/x?y=z`))
    expect(cold).toMatchObject({ method: 'GET', url: '/x?y=z', headers: { 'x-forwarded-proto': scheme } })
    expect(cold.headers.via).toMatch(/^2\.0 brxy-/)
    expect(cold.headers.host).toBe(`shop.test:${edge.port}`)
    const posted = JSON.parse(await curl('-d', 'a=1', `${url}/form`))
    expect(posted).toMatchObject({ method: 'POST', bytes: 3, body: 'a=1', pid: cold.pid })
    const version = ['-o', '/dev/null', '-w', '%{http_version} %{http_code} ']
    // curl 7.88 cannot use a connection of prior knowledge again, whatever the server.
    const again = scheme === 'https' ? [...version, `${url}/2`] : []
    expect(await curl(...version, `${url}/1`, ...again)).toMatch(/^(2 200 )+$/)
    const head = await curl('-I', `${url}/`)
    expect(head).toMatch(/^HTTP\/2 200 \r\n/)
    expect(head).toMatch(/\r\ncontent-type: application\/json\r\n/)
  })

  it('sends and gets ten MiB', async () => {
    const url = await start(scheme, nodeApp('bulk'))
    const path = join(file.directory, 'up')
    const body = Buffer.alloc(10 * MIB, 'up and down')
    writeFileSync(path, body)
    const sum = createHash('sha256').update(body).digest('hex')
    expect(await curl('-T', path, `${url}/up`)).toBe(`${10 * MIB} ${sum}`)
    for (const kind of ['known', 'chunked']) {
      const words = ['-o', '/dev/null', '-w', '%{size_download} %{http_code}']
      expect(await curl(...words, `${url}/${kind}/${10 * MIB}`)).toBe(`${10 * MIB} 200`)
    }
  })
})

it.skipIf(!hasPeer('python3'))(
  'starts what python serves, for many requests of one connection at once',
  async () => {
    await start('http', shell('exec python3 -m http.server --bind 127.0.0.1 "$PORT"'), 1)
    const session = connect(`http://127.0.0.1:${edge.port}`)
    try {
      const statuses: number[] = []
      for (let i = 0; i < 20; i++) {
        const stream = session.request({ ':path': '/', ':authority': 'shop.test' })
        stream.on('response', (fields) => void statuses.push(Number(fields[':status'])))
        stream.resume()
      }
      await eventually('20 answers', () => statuses.length === 20)
      expect(new Set(statuses)).toEqual(new Set([200]))
    } finally {
      session.destroy()
    }
  },
)
