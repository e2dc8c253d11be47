export {
  type Addresses,
  addressBytes,
  encodeAddresses,
  FEATURE_ADDRESSES,
  MAX_ADDRESSES_BYTES,
} from './addresses.ts'
export { FrameBatch } from './batch.ts'
export { FrameDecoder, type FrameSink } from './decoder.ts'
export { assert, BrxyError, isBrxyError, PROTOCOL_ERRORS } from './error.ts'
export {
  BODY_KNOWN,
  BODY_NONE,
  BODY_UNKNOWN,
  type BodyKind,
  END_BIT,
  encodeHeader,
  FRAME,
  FRAME_HEADER_BYTES,
  type FrameRule,
  type FrameType,
  frameRule,
  HEAD_INTERIM,
  HEAD_PREFIX_BYTES,
  KIND_HTTP,
  KIND_TCP,
  MAX_DATA_BYTES,
  MAX_GRANTS,
  MAX_HEAD_BYTES,
  MAX_INTERIM_HEADS,
  MAX_MESSAGE_BYTES,
  OPEN_ADDRESSES,
  OPEN_PASSIVE,
  OPEN_UPGRADE,
  REFUSE,
  RESET,
  refuseName,
  resetName,
  type StreamKind,
} from './frame.ts'
export { formatIp, isMapped, parseIp } from './ip-address.ts'
export {
  encodeMessage,
  type Farewell,
  type Hello,
  parseFarewell,
  parseHello,
  parseStatus,
  parseWelcome,
  type Status,
  type Welcome,
} from './message.ts'
export { EdgeSession, type EdgeSessionHandler } from './session/edge-session.ts'
export {
  type LinkerHello,
  LinkerSession,
  type LinkerSessionHandler,
  type OpenRequest,
} from './session/linker-session.ts'
export {
  DEFAULT_SESSION_OPTIONS,
  DEFAULT_WINDOW_BUDGET_BYTES,
  type SessionOptions,
  SUBPROTOCOL,
  TUNNEL_PATH,
  VERSIONS,
} from './session/options.ts'
export type { Session, SessionEnd, SessionEnvironment, SessionHandler } from './session/session.ts'
export { type Arrival, DEAF, type Stream, type StreamHandler } from './session/stream.ts'
export { WindowBudget } from './session/window.ts'
