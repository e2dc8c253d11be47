import { afterEach, beforeEach, expect, it } from 'vitest'
import { ApiServer, type Asked, statusOf } from './api-server.testkit.ts'
import { KubeClient } from './client.ts'
import { Watch } from './watch.ts'

const PODS = '/api/v1/namespaces/default/pods'
let api: ApiServer
let client: KubeClient
let watch: Watch
let heard: string[]

beforeEach(async () => {
  heard = []
  api = await ApiServer.start()
  client = new KubeClient(api)
  watch = new Watch(client, PODS, 'app=shop', {
    onChange: ({ name }) => heard.push(name),
    onGap: () => heard.push('gap'),
    onError: (error) => heard.push((error as Error).message),
  })
})
afterEach(async () => {
  await client.close()
  await watch.close()
})

/** Answers the list that a watch begins with. */
async function list(resourceVersion: string): Promise<void> {
  const { path, query } = await api.answer(200, { metadata: { resourceVersion }, items: [] })
  expect([path, query.get('watch'), query.get('labelSelector')]).toEqual([PODS, null, 'app=shop'])
}

/** The watch that begins from a version. */
async function watching(resourceVersion: string): Promise<Asked> {
  const asked = await api.next()
  expect([asked.query.get('watch'), asked.query.get('resourceVersion')]).toEqual(['1', resourceVersion])
  asked.response.writeHead(200)
  return asked
}

function say({ response }: Asked, type: string, object: object): void {
  response.write(`${JSON.stringify({ type, object })}\n`)
}

const pod = (name: string, resourceVersion: string) => ({ metadata: { name, resourceVersion } })

it('lists, and then tells of each change, but not of bookmarks', async () => {
  await list('7')
  const stream = await watching('7')
  say(stream, 'ADDED', pod('a', '8'))
  say(stream, 'BOOKMARK', pod('', '9'))
  say(stream, 'DELETED', pod('b', '10'))
  stream.response.end()
  await watching('10')
  expect(heard).toEqual(['gap', 'a', 'b'])
})

it('goes on from where it stood when the stream is cut, without a gap', async () => {
  await list('7')
  const stream = await watching('7')
  say(stream, 'MODIFIED', pod('a', '12'))
  await expect.poll(() => heard, { timeout: 10_000 }).toContain('a')
  stream.request.socket.destroy()
  await watching('12')
  expect(heard).toEqual(['gap', 'a', expect.stringContaining('Kubernetes does not answer')])
})

it('lists anew when the API has forgotten where it stood (410), which is no failure', async () => {
  await list('7')
  await api.answer(410, statusOf(410, 'Expired', 'too old resource version: 7 (9)'))
  await list('20')
  await watching('20')
  expect(heard).toEqual(['gap', 'gap'])
})

it('lists anew when the API says so in the middle of the watch', async () => {
  await list('7')
  const stream = await watching('7')
  say(stream, 'ADDED', pod('a', '8'))
  say(stream, 'ERROR', statusOf(410, 'Expired', 'too old resource version: 8 (30)'))
  await list('31')
  await watching('31')
  expect(heard).toEqual(['gap', 'a', 'gap'])
})

it('says once that it may not watch, and lists anew when it may', async () => {
  await list('7')
  await api.answer(403, statusOf(403, 'Forbidden', 'pods is forbidden'))
  await list('8')
  await api.answer(403, statusOf(403, 'Forbidden', 'pods is forbidden'))
  await list('9')
  say(await watching('9'), 'ADDED', pod('a', '10'))
  await expect.poll(() => heard, { timeout: 10_000 }).toContain('a')
  expect(heard).toEqual(['gap', 'pods is forbidden', 'gap', 'gap', 'a'])
})

it('takes whole objects of a server that has no short form of them (which is 406 to whoever takes nothing else)', async () => {
  const { request } = await api.answer(200, { metadata: { resourceVersion: '7' }, items: [] })
  expect(request.headers.accept).toMatch(/as=PartialObjectMetadataList;.*, application\/json$/)
  const stream = await watching('7')
  expect(stream.request.headers.accept).toMatch(/as=PartialObjectMetadata;.*, application\/json$/)
  say(stream, 'ADDED', { ...pod('a', '8'), spec: { containers: [] }, status: { phase: 'Running' } })
  await expect.poll(() => heard, { timeout: 10_000 }).toEqual(['gap', 'a'])
})

it('ends its stream when it is closed', async () => {
  await list('7')
  const { response } = await watching('7')
  response.flushHeaders()
  const gone = new Promise((resolve) => response.once('close', resolve))
  await watch.close()
  await gone
  expect(heard).toEqual(['gap'])
})
