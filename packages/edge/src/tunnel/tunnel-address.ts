import { TUNNEL_PATH } from '@brxy/protocol'

/**
 * The tunnel of an edge as linkers dial it, from how an operator writes it: `edge:9080`, `wss://edge.example`.
 * @param isSecure the scheme of one without: wss, or ws
 */
export function tunnelUrl(text: string, isSecure: boolean): string {
  const scheme = /^wss?:\/\//.test(text) ? '' : isSecure ? 'wss://' : 'ws://'
  return `${scheme}${text}${text.includes(TUNNEL_PATH) ? '' : TUNNEL_PATH}`
}

/** Where somebody on this machine reaches what listens at an address, which may stand for all of them. */
export function reachable(bound: string): string {
  return bound.replace(/^0\.0\.0\.0:/, '127.0.0.1:').replace(/^\[::\]:/, '127.0.0.1:')
}

/** Whether an operator has written where another edge is: `edge:9080`, or a URL of its tunnel. */
export function isTunnelUrl(text: string): boolean {
  if (!text.includes('://')) return /^[^/?#@]+:\d+$/.test(text) && URL.canParse(`ws://${text}`)
  return /^(?:ws|http)s?:\/\/[^/]/.test(text) && URL.canParse(text)
}
