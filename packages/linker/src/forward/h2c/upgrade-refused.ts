import { BODY_NONE, DEAF, type LinkerSession, type Stream, type StreamHandler } from '@brxy/protocol'

/**
 * HTTP/2 has no Upgrade (RFC 9113 8.6), and extended CONNECT (RFC 8441) is not spoken. The client is answered as by an
 * application that declines.
 */
const HEAD = Buffer.from(
  'HTTP/1.1 501 Not Implemented\r\n' +
    'Proxy-Status: brxy; error=http_upgrade_failed; details="the application speaks HTTP/2, without upgrades"\r\n' +
    'Cache-Control: no-store\r\n\r\n',
)

/** Answers an OPEN that asks for an upgrade; the application does not see it. @returns what hears the rest of the stream */
export function refuseUpgrade(session: LinkerSession, stream: Stream): StreamHandler {
  session.beginHead(stream, false, BODY_NONE, 0, HEAD.length)
  session.commitHead(session.headAt + HEAD.copy(session.batch.slab, session.headAt))
  // The edge ends its direction by itself, without DATA (brxy.v1 rule 6).
  return DEAF
}
