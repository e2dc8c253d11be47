import type { Mutant } from './mutants.ts'

/** Bugs of the tunnel. */
export const PROTOCOL_MUTANTS: readonly Mutant[] = [
  {
    name: 'no-credit',
    what: 'what was delivered is not credited, so that bodies beyond a window stop',
    file: 'packages/protocol/dist/session/stream.js',
    search: 'this.#host.sendWindow(this.id, credit);',
    replacement: '',
  },
  {
    name: 'credit-twice',
    what: 'what was delivered is credited twice',
    file: 'packages/protocol/dist/session/stream.js',
    search: 'this.#host.sendWindow(this.id, credit);',
    replacement: 'this.#host.sendWindow(this.id, credit * 2);',
  },
  {
    name: 'slab-too-early',
    what: 'the slab is written anew while frames stand in it that have not left',
    file: 'packages/protocol/dist/batch.js',
    search: 'if (this.frameCount > 0 || this.#frameAt >= 0)',
    replacement: 'if (this.#frameAt >= 0)',
  },
  {
    name: 'buffer-too-early',
    what: 'the buffer of the socket writer is used again while a socket refers to it',
    file: 'packages/protocol/dist/transport/socket-writer.js',
    search: 'if (socket.writableLength > 0)',
    replacement: 'if (false)',
  },
  {
    name: 'never-dead',
    what: 'a tunnel on which nothing is heard is kept for ever',
    file: 'packages/protocol/dist/session/liveness.js',
    search: 'if (this.#misses >= MISSES)',
    replacement: 'if (false)',
  },
  {
    name: 'return-too-much',
    what: 'an edge returns what was asked for, and not what it has',
    file: 'packages/protocol/dist/session/edge-session.js',
    search: 'this.#return(Math.min(buffer.readUInt32BE(from), this.unspent));',
    replacement: 'this.#return(buffer.readUInt32BE(from));',
  },
  {
    name: 'reset-unheard',
    what: 'streams do not hear that their session has ended',
    file: 'packages/protocol/dist/session/session.js',
    search: 'attempt(() => stream.handler.onLost(arrivalOf(stream, end)), failures);',
    replacement: '',
  },
]
