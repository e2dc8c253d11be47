import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { begin, EdgeProcess, expectNoLeftovers } from '@brxy-tooling/testkit'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { linked, nodeApp, shell } from './apps.ts'
import { ConfigFile, launched } from './config-file.ts'

let file: ConfigFile
let edge: EdgeProcess
let fallback: Server
/** What the fallback was asked. */
let asked: string[]

beforeEach(async () => {
  file = new ConfigFile()
  asked = []
  fallback = createServer((request, response) => {
    let body = ''
    request.on('data', (data) => {
      body += data
    })
    request.on('end', () => {
      asked.push(`${request.method} ${request.headers.host}${request.url} ${body}`)
      response.writeHead(202, { 'X-From': 'fallback' }).end('come back later')
    })
  }).listen(0, '127.0.0.1')
  await once(fallback, 'listening')
})

afterEach(async () => {
  fallback.close()
  await edge.close()
  file.remove()
  await expectNoLeftovers()
})

/** Its application ends before it listens. */
const broken = launched(linked(shell('exit 3')))

function set(app: object): void {
  const waiting = { fallback: `127.0.0.1:${(fallback.address() as AddressInfo).port}` }
  file.set({ shop: { hosts: ['shop.test'], waiting, scaler: broken, ...app } })
}

async function start(app: object): Promise<void> {
  set(app)
  edge = await EdgeProcess.start({ file: file.path })
}

describe('a fallback', () => {
  it('gets the requests of an app that cannot start, with their bodies, and its answer is the answer', async () => {
    await start({})
    const answer = await edge.ask('/cart?x=1', { host: 'shop.test', method: 'POST', body: 'two apples' })
    expect(answer).toMatchObject({ status: 202, text: 'come back later', headers: { 'x-from': 'fallback' } })
    expect(asked).toEqual(['POST shop.test/cart?x=1 two apples'])
    // During the pause after the failure, too, at once.
    expect((await edge.ask('/', { host: 'shop.test' })).status).toBe(202)
    expect(edge.matching('launching').length).toBe(1)
    // What is nobody's app is not its business.
    expect((await edge.ask('/', { host: 'other.test' })).status).toBe(404)
    expect(asked.length).toBe(2)
  })

  it('gets what was held for too long, and nothing of what an instance serves', async () => {
    const app = { scaler: launched(linked(nodeApp('silent'))), max: 1 }
    await start(app)
    const never = begin(edge.port, '/', { host: 'shop.test' }).on('error', () => {})
    never.end()
    await edge.event('asked /')
    set({ ...app, hold: '300ms' })
    edge.signal('SIGHUP')
    await edge.event('reloaded')
    expect((await edge.ask('/late', { host: 'shop.test' })).status).toBe(202)
    expect(asked).toEqual(['GET shop.test/late '])
    never.destroy()
  })

  it('that is down as well leaves the client with the error of the app', async () => {
    await start({})
    fallback.close()
    const answer = await edge.ask('/', { host: 'shop.test' })
    expect(answer.status).toBe(503)
    expect(answer.headers['proxy-status']).toBe(
      'brxy; error=destination_unavailable; details="edge/cannot-start crashed"',
    )
  })
})

describe('error pages', () => {
  const PAGE = '<h1>{{status}} {{reason}}</h1><p>{{detail}}</p><code>{{requestId}}</code>'
  const browser = { accept: 'text/html,application/xhtml+xml,*/*;q=0.8' }

  it('are what a browser gets, filled in; others get JSON with the same fields', async () => {
    file.beside('pages/5xx.html', PAGE)
    await start({ waiting: {}, errorPages: './pages' })
    const page = await edge.ask('/', { host: 'shop.test', headers: browser })
    expect(page.status).toBe(503)
    expect(page.headers['content-type']).toBe('text/html; charset=utf-8')
    const filled = /^<h1>503 Service Unavailable<\/h1><p>([^<>{}]+)<\/p><code>([\w-]+)<\/code>$/.exec(
      page.text,
    )
    expect(filled, page.text).not.toBeNull()
    const json = await edge.ask('/', { host: 'shop.test', headers: { accept: '*/*' } })
    expect(json.headers['content-type']).toBe('application/problem+json')
    expect(json.json()).toMatchObject({ status: 503, detail: filled?.[1] })
    expect(json.json().requestId).toMatch(/^[\w-]+$/)
    expect(json.json().requestId).not.toBe(filled?.[2])
  })

  it('are those of the app, else those of defaults, also where there is no app, and follow a reload', async () => {
    file.beside('pages/404.html', 'nobody here')
    file.beside('pages/503.html', 'common')
    file.beside('shop/5xx.html', 'own')
    const apps = {
      shop: { hosts: ['shop.test'], errorPages: 'shop', scaler: broken },
      blog: { hosts: ['blog.test'], scaler: broken },
    }
    file.set(apps, { defaults: { errorPages: 'pages' } })
    edge = await EdgeProcess.start({ file: file.path })
    const page = async (host: string) => (await edge.ask('/', { host, headers: browser })).text
    expect([await page('shop.test'), await page('blog.test'), await page('other.test')]).toEqual([
      'own',
      'common',
      'nobody here',
    ])
    file.beside('shop/5xx.html', 'new')
    edge.signal('SIGHUP')
    await edge.event('reloaded')
    expect(await page('shop.test')).toBe('new')
  })
})
