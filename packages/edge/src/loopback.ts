import { formatAddress, parseAddress } from './address.ts'
import type { Bound } from './listeners.ts'

/** What a machine without IPv6 says. */
const NO_IPV6: ReadonlySet<string> = new Set(['EADDRNOTAVAIL', 'EAFNOSUPPORT', 'EINVAL'])

/**
 * Opens what an address means: `localhost:8080`, or the port alone, is both loopback addresses; a machine without IPv6
 * has one.
 *
 * @param open listens at one address
 * @throws BrxyError `edge/bad-address`, and what `open` throws; then nothing is open
 */
export async function openAt(bind: string, open: (address: string) => Promise<Bound>): Promise<Bound> {
  const { host, port } = parseAddress(bind)
  const isBoth = host === 'localhost' || (host === undefined && !bind.startsWith(':'))
  if (!isBoth) return open(bind)
  const first = await open(formatAddress('127.0.0.1', port))
  const bound = parseAddress(first.address)
  const address = formatAddress('localhost', bound.port)
  try {
    const second = await open(formatAddress('::1', bound.port))
    const close = () => {
      first.close()
      second.close()
    }
    return { address, close }
  } catch (error) {
    const cause = (error as { cause?: NodeJS.ErrnoException }).cause?.code ?? ''
    // A port that the kernel chose may be taken on the other address; one that was asked for may not.
    if (NO_IPV6.has(cause) || port === 0) return { address, close: () => first.close() }
    first.close()
    throw error
  }
}
