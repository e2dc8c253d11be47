import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { type AddressInfo, createServer } from 'node:net'
import { describe, expect, it } from 'vitest'
import { isFailing } from './failing.ts'

/** Runs a script that has a connection open; at its end that is asked what is said. */
async function atFin(script: string): Promise<boolean> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  const accepted = once(server, 'connection')
  const child = spawn(
    process.execPath,
    ['-e', `const socket = require('net').connect(${port}, '127.0.0.1', () => { ${script} })`],
    {
      stdio: 'ignore',
    },
  )
  const [socket] = await accepted
  const said = new Promise<boolean>((resolve) => {
    socket.once('end', () => resolve(isFailing(child.pid as number)))
    socket.once('error', () => resolve(isFailing(child.pid as number)))
    socket.resume()
  })
  const answer = await said
  socket.destroy()
  server.close()
  if (child.exitCode === null && child.signalCode === null) await once(child, 'exit')
  return answer
}

describe.skipIf(process.platform !== 'linux')('a process whose connection ends', () => {
  it.each([
    ['is killed', 'process.kill(process.pid, "SIGKILL")', true],
    ['ends with a status', 'process.exit(3)', true],
    ['ends as it should', 'process.exit(0)', false],
    ['closes it and goes on', 'socket.end(); setTimeout(() => {}, 200)', false],
  ])('because it %s: %s', async (_, script, expected) => {
    expect(await atFin(script)).toBe(expected)
  })

  it('is none of ours: nothing is said of it', () => {
    expect(isFailing(2 ** 22 + 1)).toBe(false)
  })
})
