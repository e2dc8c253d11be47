import { createServer, type Server } from 'node:net'
import { AppError } from './errors.ts'

/** First and last port handed to an application, both included. */
export const FIRST_PORT = 20_000
// Linux takes the ports of outgoing connections from 32768 up. Below it, no outgoing connection can hold the port
// that the application is about to bind, and probing it cannot connect to itself (probe.ts).
export const LAST_PORT = 32_767

// A machine on which this many neighbouring ports are taken has another problem than bad luck.
const MAX_TRIES = 500

// On Linux nobody can listen on the wildcard address while somebody listens on any other (ip(7), SO_REUSEADDR), so one bind
// tells it all, in 2.5 ms. By name each loopback address takes Node another 3: it loads what resolves names.
const ADDRESSES = process.platform === 'linux' ? [undefined] : ['127.0.0.1', '::1']

/**
 * A port from 20000 to 32767 on which nobody listens, tried by binding it.
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
 * Whether `port` can be bound, at least on 127.0.0.1 and on ::1. An address that this machine does not have is not asked for.
 *
 * @throws the system's error when a socket cannot be had at all (EMFILE)
 */
export async function isPortFree(port: number): Promise<boolean> {
  const bindings: Binding[] = []
  for (const host of ADDRESSES) {
    const binding = await bind(host, port)
    bindings.push(binding)
    if (binding === 'taken') break
  }
  await Promise.all(bindings.map(close))
  return !bindings.includes('taken')
}

type Binding = Server | 'taken' | 'no such address'

/** @param host undefined: all addresses of this machine */
function bind(host: string | undefined, port: number): Promise<Binding> {
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
    server.listen({ ...(host === undefined ? {} : { host }), port, exclusive: true }, () => resolve(server))
  })
}

function close(binding: Binding): Promise<void> {
  if (typeof binding === 'string') return Promise.resolve()
  return new Promise((resolve) => binding.close(() => resolve()))
}
