import type { Application } from './application.ts'
import type { LinkerEvent } from './event.ts'
import type { LinkerOptions } from './options.ts'
import type { Lookup } from './tunnel/edge-name.ts'

/** What a linker is made of. */
export interface LinkerConfig {
  readonly options: LinkerOptions
  readonly route: string
  readonly application: Application
  /** Read at every dial. @throws LinkError `link/token-file` */
  readonly token: () => string
  /** The launch that this linker was started by; it goes into HELLO. */
  readonly launch?: string
  /** The platform's own name for this instance; it goes into HELLO. */
  readonly platform?: string
  /** Finds the addresses of edges that are given by name; default: the machine's own resolver. */
  readonly lookup?: Lookup
  readonly onEvent: (event: LinkerEvent) => void
}
