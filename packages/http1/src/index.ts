// Errors and limits

// Validators for what does not come as HTTP/1.1 bytes, as from HTTP/2
export { isFieldValue, isToken } from './bytes.ts'
// Canonical heads of brxy.v1
export { parseCanonicalFields, parseCanonicalRequest, parseCanonicalResponse } from './canonical.ts'
export { HTTP1_ERRORS, Http1Error, type Http1ErrorCode, type Http1ErrorInfo } from './error.ts'
export { FIELD, type Field, type FieldSet, fieldOf, fieldSet } from './field.ts'
export { fieldLine } from './field-line.ts'
export { Head } from './head.ts'
export { isHopByHop } from './hop-by-hop.ts'
export { type HostParts, normalizeHost, parseHost } from './host.ts'
export {
  DEFAULT_REQUEST_LIMITS,
  DEFAULT_RESPONSE_LIMITS,
  type RequestLimits,
  type ResponseLimits,
} from './limits.ts'
// Writing
export { roomFor } from './output.ts'
// Decoding
export { RequestDecoder } from './request-decoder.ts'
export {
  BODY_KNOWN,
  BODY_NONE,
  BODY_UNKNOWN,
  type BodyKind,
  RequestHead,
  TARGET_ABSOLUTE,
  TARGET_ASTERISK,
  TARGET_ORIGIN,
  type TargetForm,
} from './request-head.ts'
export { ResponseDecoder } from './response-decoder.ts'
export { ResponseHead } from './response-head.ts'
export type { ExpectedResponse } from './response-rules.ts'
export { websocketAccept } from './response-rules.ts'
export type { MessageSink } from './sink.ts'
export { isForwardTarget } from './target.ts'
export { CRLF, encodeFields, LAST_CHUNK, writeChunkHead, writeTrailers } from './write-body.ts'
export { type AppRequestFraming, writeAppRequest, writeCanonicalRequest } from './write-request.ts'
export { type ClientResponseFraming, writeCanonicalResponse, writeClientResponse } from './write-response.ts'
