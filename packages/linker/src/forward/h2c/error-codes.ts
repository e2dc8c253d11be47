/** Error codes of RST_STREAM and GOAWAY, by number (RFC 9113 7). */
const NAMES = [
  'NO_ERROR',
  'PROTOCOL_ERROR',
  'INTERNAL_ERROR',
  'FLOW_CONTROL_ERROR',
  'SETTINGS_TIMEOUT',
  'STREAM_CLOSED',
  'FRAME_SIZE_ERROR',
  'REFUSED_STREAM',
  'CANCEL',
  'COMPRESSION_ERROR',
  'CONNECT_ERROR',
  'ENHANCE_YOUR_CALM',
  'INADEQUATE_SECURITY',
  'HTTP_1_1_REQUIRED',
] as const

/** The codes that brxy says or decides by. */
export const H2_ERROR = { PROTOCOL_ERROR: 1, REFUSED_STREAM: 7, CANCEL: 8, HTTP_1_1_REQUIRED: 13 } as const

/** `7` -> `REFUSED_STREAM`, for messages. */
export function h2ErrorName(code: number): string {
  return NAMES[code] ?? `error ${code}`
}
