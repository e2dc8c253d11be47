import { type AddressInfo, createServer } from 'node:net'
import { afterEach, expect, test } from 'vitest'
import { AttachedApplication } from './attached-application.ts'

const closing: (() => void)[] = []
afterEach(() => {
  for (const close of closing.splice(0)) close()
})

async function listening(host: string): Promise<number> {
  const server = createServer((socket) => socket.destroy())
  await new Promise<void>((resolve) => server.listen(0, host, resolve))
  closing.push(() => server.close())
  return (server.address() as AddressInfo).port
}

test.for(['127.0.0.1:', '', 'localhost:', ':'])('is found at %sPORT', async (host) => {
  const port = await listening('127.0.0.1')
  const application = new AttachedApplication(`${host}${port}`, undefined)
  const found = await application.waitUntilListening(AbortSignal.timeout(5_000))
  expect(found).toMatchObject({ host: host === 'localhost:' ? 'localhost' : '127.0.0.1', port })
})

test.for([
  '',
  'nowhere',
  '127.0.0.1',
  '127.0.0.1:0',
  '127.0.0.1:65536',
  '::1:80',
  '[::1]',
  'http://a:80',
  'a:b',
])('is not at "%s"', (target) => {
  expect(() => new AttachedApplication(target, undefined)).toThrow(
    expect.objectContaining({
      code: 'link/bad-target',
      message: expect.stringContaining(`--to "${target}" is no address`),
    }),
  )
})

test('waits no longer than it may', async () => {
  const application = new AttachedApplication('127.0.0.1:1', undefined)
  const abort = new AbortController()
  const waiting = application.waitUntilListening(abort.signal)
  abort.abort(new Error('enough'))
  await expect(waiting).rejects.toThrow('enough')
})

test('is never stopped, and says nothing', async () => {
  const application = new AttachedApplication('127.0.0.1:1', undefined)
  await application.stop()
  expect(application.tail()).toBe('')
})
