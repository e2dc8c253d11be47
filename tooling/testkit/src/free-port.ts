import { type AddressInfo, createServer } from 'node:net'

/**
 * Ports of 127.0.0.1 that nothing listens on. Only for what cannot be given port 0: another program may take one
 * before it is used.
 */
export async function freePorts(count: number): Promise<number[]> {
  // All are open at once, or two of them might be the same.
  const servers = await Promise.all(
    Array.from({ length: count }, async () => {
      const server = createServer()
      await new Promise<void>((resolve, reject) =>
        server.once('error', reject).listen(0, '127.0.0.1', resolve),
      )
      return server
    }),
  )
  const ports = servers.map((server) => (server.address() as AddressInfo).port)
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))))
  return ports
}
