import { FIELD, fieldSet, type ResponseHead, roomFor, writeCanonicalResponse } from '@brxy/http1'
import type { BodyKind, LinkerSession, Stream } from '@brxy/protocol'

/** Said to the linker, not to the client. */
const TO_LINKER = fieldSet(FIELD.BRXY_SLOTS, FIELD.BRXY_OTHER)

/**
 * Sends the head of an application's response into the tunnel, in its canonical form.
 * @param body what follows, and its `length` in bytes if that is known
 */
export function relayHead(
  session: LinkerSession,
  stream: Stream,
  head: ResponseHead,
  interim: boolean,
  body: BodyKind,
  length: number,
): void {
  session.beginHead(stream, interim, body, length, roomFor(head, null))
  session.commitHead(writeCanonicalResponse(head, TO_LINKER, null, session.batch.slab, session.headAt))
}
