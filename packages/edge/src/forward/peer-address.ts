/** The address of a client as applications know it: `::ffff:10.0.0.1` is `10.0.0.1`. */
export function peerAddress(address: string | undefined): string {
  if (address === undefined) return 'unknown'
  return address.startsWith('::ffff:') ? address.slice(7) : address
}
