import { readFileSync } from 'node:fs'
import { parseHex, type VectorFrame } from './reference-codec.testkit.ts'

/** An entry of vectors/frames.json. */
export interface FrameVector {
  readonly name: string
  readonly from: 'edge' | 'linker'
  readonly hex?: string
  readonly messages?: readonly string[]
  readonly frames?: readonly VectorFrame[]
  readonly error?: string
}

/** An entry of vectors/messages.json. */
export interface MessageVector {
  readonly name: string
  readonly frame: 'HELLO' | 'WELCOME' | 'REJECT' | 'GOAWAY' | 'STATUS'
  readonly payload: string
  readonly value?: unknown
  readonly error?: string
}

/** An entry of vectors/sessions.json. */
export interface SessionVector {
  readonly name: string
  readonly from: 'edge' | 'linker'
  readonly welcomed: boolean
  readonly features?: readonly string[]
  readonly opens?: number
  readonly hex: string
  readonly frames: readonly VectorFrame[]
  readonly answers?: readonly string[]
  readonly error?: string
}

export const FRAME_VECTORS = read<FrameVector>('frames')
export const MESSAGE_VECTORS = read<MessageVector>('messages')
export const SESSION_VECTORS = read<SessionVector>('sessions')

/** The WebSocket messages of a vector. */
export function messagesOf(vector: FrameVector): Buffer[] {
  return (vector.messages ?? [vector.hex ?? '']).map(parseHex)
}

function read<T>(name: string): readonly T[] {
  return JSON.parse(readFileSync(new URL(`../vectors/${name}.json`, import.meta.url), 'utf8'))
}
