import type { Mutant } from './mutants.ts'

/** Bugs of the linker. */
export const LINKER_MUTANTS: readonly Mutant[] = [
  {
    name: 'slots-of-the-lost',
    what: 'slots that were lent to a session are lost with it',
    file: 'packages/linker/dist/ledger/ledger.js',
    search: 'this.#lent -= account.lent;\n        this.#accounts.delete(edge);',
    replacement: 'this.#accounts.delete(edge);',
  },
  {
    name: 'freed-twice',
    what: 'a request frees two slots',
    file: 'packages/linker/dist/ledger/ledger.js',
    search: 'this.#busy--;',
    replacement: 'this.#busy = Math.max(0, this.#busy - 2);',
  },
  {
    name: 'busy-is-free',
    what: 'requests that run are not counted when slots are lent',
    file: 'packages/linker/dist/ledger/ledger.js',
    search: 'return this.#slots - this.#busy - this.#lent;',
    replacement: 'return this.#slots - this.#lent;',
  },
  {
    name: 'spent-is-lent',
    what: 'a grant that was spent on a refused request counts as lent (a bug that was there)',
    file: 'packages/linker/dist/linker.js',
    search: 'this.#ledger.spent(link);',
    replacement: '',
  },
  {
    name: 'never-lent-again',
    what: 'a slot that is free is not lent again',
    file: 'packages/linker/dist/linker.js',
    search: 'this.#lend(this.#ledger.freed(nowMs));',
    replacement: 'this.#ledger.freed(nowMs);',
  },
  {
    name: 'idle-with-work',
    what: 'an instance that may go does not wait for what runs',
    file: 'packages/linker/dist/life/life.js',
    search: "if (this.#phase !== 'leaving' || this.#busy > 0)",
    replacement: "if (this.#phase !== 'leaving')",
  },
  {
    name: 'abandoned-is-free',
    what: 'the slot of a request whose client has left is free at once',
    file: 'packages/linker/dist/forward/app-exchange.js',
    search: 'this.linger(',
    replacement: 'this.free();\n        this.linger(',
  },
  {
    name: 'refuses-what-was-sent',
    what: 'a request that was sent on a kept connection goes to one instance after another (a bug that was there)',
    file: 'packages/linker/dist/forward/app-exchange.js',
    search: 'this.#wasSent = true;',
    replacement: '',
  },
  {
    name: 'pools-the-unclean',
    what: 'a connection is used again although the request was not written when its answer came',
    file: 'packages/linker/dist/forward/app-exchange.js',
    search: 'const isClean = this.#canPool && this.#wasWritten && this.#mayReuse && !this.lingers;',
    replacement: 'const isClean = !this.lingers;',
  },
  {
    name: 'read-buffer-too-early',
    what: 'a read buffer is written anew while the tunnel refers to it',
    file: 'packages/linker/dist/forward/app-exchange.js',
    search: 'if (this.stream.retained)',
    replacement: 'if (false)',
  },
  {
    name: 'truncated-is-complete',
    what: 'an answer that the application broke off ends in good order',
    file: 'packages/linker/dist/forward/exchange.js',
    search: 'this.stream.reset(reset);',
    replacement: 'if (this.stream.headDone) this.stream.end(); else this.stream.reset(reset);',
  },
  {
    name: 'no-redial',
    what: 'a linker whose session was lost does not dial again',
    file: 'packages/linker/dist/tunnel/edge-link.js',
    search: 'this.#owner.wheel.set(this.#timer, nowMs + Math.max(wait, retryAfterMs ?? 0));',
    replacement: '',
  },
]
