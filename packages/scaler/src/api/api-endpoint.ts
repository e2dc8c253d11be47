/** Where a request goes. */
export interface ApiTarget {
  /** In messages, without secrets: `https://10.0.0.1:4646`, `unix:///var/run/docker.sock`. */
  readonly where: string
  /** Of the URL; absent for a socket. */
  readonly host?: string
  readonly port?: number
  /** Path of a Unix socket. */
  readonly socketPath?: string
  /** TLS, with these PEM texts; absent: none. */
  readonly tls?: {
    readonly ca?: string
    readonly cert?: string
    readonly key?: string
    readonly servername?: string
  }
  /** Of each request, beside its own. */
  readonly headers?: Readonly<Record<string, string>>
}

/** The API of a platform, and how it is reached. */
export interface ApiEndpoint {
  /** In messages: `Nomad`. */
  readonly platform: string
  /** What to do when nobody answers at all: `is the agent running?`. */
  readonly hint?: string
  /** What to do when this user may not use the socket: `run the edge as a user who may (group docker)`. */
  readonly accessHint?: string
  /**
   * Where the next request goes. Asked for each one: tokens are renewed, a proxy is started again.
   *
   * @throws what the caller of the request then hears; a ScalerError says best what is wrong
   */
  target(signal: AbortSignal | undefined): ApiTarget | Promise<ApiTarget>
}
