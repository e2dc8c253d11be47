import type { AddressInfo, ListenOptions, Server } from 'node:net'
import { BrxyError } from '@brxy/protocol'
import { formatAddress, parseAddress } from './address.ts'

/**
 * Has a server listen. @returns the address it got.
 * @param onError what accept() says later (too many open files): it ends nothing that runs.
 * @throws BrxyError `edge/bad-address`, `edge/address-in-use`
 */
export function listen(
  server: Server,
  text: string,
  onError: (error: Error) => void,
  options: Pick<ListenOptions, 'backlog'> = {},
): Promise<string> {
  const address = parseAddress(text)
  const { port } = address
  // A port alone is for this machine; `:8080` is for all.
  const host = address.host ?? (text.startsWith(':') ? undefined : '127.0.0.1')
  return new Promise((resolve, reject) => {
    const onFailed = (cause: NodeJS.ErrnoException) => {
      if (cause.code === 'EADDRINUSE') {
        reject(new BrxyError('edge/address-in-use', `${text} is taken by another process`, { cause }))
      } else {
        reject(new BrxyError('edge/bad-address', `cannot listen on ${text}: ${cause.message}`, { cause }))
      }
    }
    server.once('error', onFailed)
    server.listen({ port, ...(host === undefined ? {} : { host }), ...options }, () => {
      server.off('error', onFailed)
      server.on('error', onError)
      const bound = server.address() as AddressInfo
      resolve(formatAddress(bound.address, bound.port))
    })
  })
}
