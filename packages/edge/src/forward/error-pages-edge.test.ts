import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { TestEdge, type TestOptions, testConfiguration } from '../edge.testkit.ts'

let edge: TestEdge
let directory: string
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'brxy-pages-'))
  for (const name of ['all', 'shop']) {
    await mkdir(join(directory, name))
    await writeFile(join(directory, name, '4xx.html'), `<p>${name} {{status}} {{reason}}</p>`)
    await writeFile(join(directory, name, '504.html'), `<p>${name} {{detail}} {{requestId}}</p>`)
  }
})
afterEach(async () => {
  await edge.close()
  await rm(directory, { recursive: true })
})

const HTML = 'Accept: text/html\r\n'
const options = (pages: string): TestOptions => ({
  defaults: { errorPages: join(directory, 'all'), holdMs: 1 },
  apps: { shop: { hosts: ['shop'], errorPages: join(directory, pages) }, plain: { hosts: ['plain'] } },
})

it('an app has its own pages, others have those of all, and so has what belongs to no app', async () => {
  edge = await TestEdge.start(options('shop'))
  const client = edge.client()
  expect(await client.get('/', HTML, 'shop').until('</p>')).toMatch(
    /^HTTP\/1.1 504 [\s\S]*\r\nContent-Type: text\/html; charset=utf-8\r\n[\s\S]*\r\nProxy-Status: brxy; error=[\s\S]*<p>shop The application was not ready in time\. [0-9a-f-]{36}<\/p>/,
  )
  expect(await client.get('/', HTML, 'plain').until('</p>')).toContain('<p>all The application')
  expect(await client.get('/', HTML, 'nobody').until('</p>')).toContain('<p>all 404 Not Found</p>')
  expect(await client.send('GET / HTTP/1.1\r\n\r\n').ended()).toContain('http1/missing-host')
})

it('clients that want no page get none', async () => {
  edge = await TestEdge.start(options('shop'))
  expect(await edge.client().get('/').until('}')).toContain('"code":"edge/hold-timeout"')
})

it('a reload brings other pages', async () => {
  edge = await TestEdge.start(options('shop'))
  const client = edge.client()
  expect(await client.get('/', HTML).until('</p>')).toContain('<p>shop ')
  await edge.edge.reload(testConfiguration(options('all'), null))
  expect(await client.get('/', HTML).until('</p>')).toContain('<p>all ')
})
