import { type AddressInfo, createServer } from 'node:net'
import { SocketWriter } from '@brxy/protocol/transport'
import { expect, test } from 'vitest'
import { until } from '../app/processes.testkit.ts'
import { AppConnection, type OpaqueUser } from './app-connection.ts'

/** Notes what it is told. */
class Listener implements OpaqueUser {
  readonly heard: string[] = []
  readonly bugs: unknown[] = []
  onConnected(): void {
    this.heard.push('connected')
  }
  onDrained(): void {
    this.heard.push('drained')
  }
  onBytes(buffer: Buffer, from: number, to: number): void {
    this.heard.push(buffer.toString('latin1', from, to))
  }
  onFin(): void {
    this.heard.push('fin')
  }
  onGone(error: Error | null): void {
    this.heard.push(error === null ? 'gone' : 'broken')
  }
  onBug(error: unknown): void {
    this.bugs.push(error)
  }
}

test.for(['onBytes', 'onFin', 'onDrained', 'onGone'] as const)(
  'a bug in %s ends the connection, and not the process',
  async (where) => {
    const bug = new Error('a bug')
    const user = new Listener()
    user[where] = () => {
      throw bug
    }
    const server = createServer((socket) =>
      socket
        .on('error', () => {})
        .resume()
        .end('hello'),
    )
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    const connection = new AppConnection(
      { host: '127.0.0.1', port: (server.address() as AddressInfo).port },
      new SocketWriter(),
      () => {},
    )
    connection.carry(user, 0)
    connection.write(Buffer.from('hi'), 0, 2)
    if (where === 'onGone') connection.halfClose()
    await until('the bug is told', () => user.bugs.length === 1)
    expect(user.bugs).toEqual([bug])
    await until('the socket is closed', () => connection.socket.closed)
    expect([connection.isOver, user.heard.includes('gone'), user.heard.includes('broken')]).toEqual([
      true,
      false,
      false,
    ])
    await new Promise((resolve) => server.close(resolve))
  },
)
