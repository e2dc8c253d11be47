import { BlockList, isIP } from 'node:net'
import { BrxyError } from '@brxy/protocol'

/** Addresses whose word about the way of a request is believed. */
export class TrustedProxies {
  readonly #list = new BlockList()
  readonly #isEmpty: boolean

  /**
   * @param texts addresses and networks: `10.0.0.1`, `10.0.0.0/8`, `fd00::/8`
   * @throws BrxyError `edge/bad-network`
   */
  constructor(texts: readonly string[]) {
    this.#isEmpty = texts.length === 0
    for (const text of texts) this.#add(text)
  }

  /** @param address without brackets, IPv4 in its own form; '' if it is not known */
  has(address: string): boolean {
    if (this.#isEmpty) return false
    const version = isIP(address)
    return version !== 0 && this.#list.check(address, version === 4 ? 'ipv4' : 'ipv6')
  }

  #add(text: string): void {
    const [, address, length] = /^([^/]+?)(?:\/(\d{1,3}))?$/.exec(text) ?? []
    const version = isIP(address ?? '')
    const most = version === 4 ? 32 : 128
    const prefix = length === undefined ? most : Number(length)
    if (version === 0 || prefix > most) {
      throw new BrxyError(
        'edge/bad-network',
        `"${text}" is neither an address nor a network such as 10.0.0.0/8 or fd00::/8`,
      )
    }
    this.#list.addSubnet(address, prefix, version === 4 ? 'ipv4' : 'ipv6')
  }
}
