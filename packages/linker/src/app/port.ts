import { createServer, type Server } from 'node:net'
import { AppError } from './errors.ts'

/** First and last port handed to an application, both included. */
export const FIRST_PORT = 20_000
// Linux takes the ports of outgoing connections from 32768 up. Below it, no outgoing connection can hold the port
// that the application is about to bind, and probing it cannot connect to itself (probe.ts).
export const LAST_PORT = 32_767

// A machine on which this many neighbouring ports are taken has another problem than bad luck.
const MAX_TRIES = 500

/**
 * A port from 20000 to 32767 on which nobody listens, tried by binding it on 127.0.0.1 and ::1.
 *
 * Nothing reserves it: another process may take it before the application does. So a caller whose application exits
 * early with a taken port (port-taken.ts) tries once more with another one.
 *
 * @param random a number from 0 (included) to 1 (excluded); where the search starts, so that linkers starting
 *   together do not all get the same port
 * @throws AppError `link/no-free-port`, retryable, after 500 taken ports
 */
export async function freePort(random: () => number): Promise<number> {
  const count = LAST_PORT - FIRST_PORT + 1
  const start = Math.floor(random() * count)
  for (let tries = 0; tries < MAX_TRIES; tries++) {
    const port = FIRST_PORT + ((start + tries) % count)
    if (await isPortFree(port)) return port
  }
  throw new AppError(
    'link/no-free-port',
    `${MAX_TRIES} ports from ${FIRST_PORT + start} on are all taken; name a free one with --app-port`,
    { retryable: true },
  )
}

/**
 * Whether `port` can be bound on 127.0.0.1 and on ::1. An address that this machine does not have is not asked for.
 *
 * @throws the system's error when a socket cannot be had at all (EMFILE)
 */
export async function isPortFree(port: number): Promise<boolean> {
  const ipv4 = await bind('127.0.0.1', port)
  if (ipv4 === 'taken') return false
  const ipv6 = await bind('::1', port)
  await Promise.all([close(ipv4), close(ipv6)])
  return ipv6 !== 'taken'
}

type Binding = Server | 'taken' | 'no such address'

function bind(host: string, port: number): Promise<Binding> {
  return new Promise((resolve, reject) => {
    const server = createServer()
    server.once('error', (error: NodeJS.ErrnoException) => {
      switch (error.code) {
        case 'EADDRINUSE':
        case 'EACCES':
          return resolve('taken')
        case 'EADDRNOTAVAIL':
        case 'EAFNOSUPPORT':
          return resolve('no such address')
        default:
          return reject(error)
      }
    })
    server.listen({ host, port, exclusive: true }, () => resolve(server))
  })
}

function close(binding: Binding): Promise<void> {
  if (typeof binding === 'string') return Promise.resolve()
  return new Promise((resolve) => binding.close(() => resolve()))
}
