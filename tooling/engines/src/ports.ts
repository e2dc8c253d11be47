import { once } from 'node:events'
import { type AddressInfo, createServer } from 'node:net'

/**
 * Ports of 127.0.0.1 that nothing listens on. Only for what cannot be given port 0: another program may take one
 * before it is used. They are bound together, so they differ.
 */
export async function freePorts(count: number): Promise<number[]> {
  const servers = Array.from({ length: count }, () => createServer())
  for (const server of servers) await once(server.listen(0, '127.0.0.1'), 'listening')
  const ports = servers.map((server) => (server.address() as AddressInfo).port)
  await Promise.all(servers.map((server) => once(server.close(), 'close')))
  return ports
}
