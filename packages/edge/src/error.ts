/** What a client is told about one kind of failure. */
export interface ClientErrorInfo {
  readonly status: number
  /** Error token of RFC 9209 section 2.3, for Proxy-Status. */
  readonly proxyError: string
  /** Fixed text for clients; nothing of the inside. */
  readonly title: string
  /** For docs/errors.md: cause, and what the operator should do. */
  readonly doc: string
}

/** Every error response that an edge makes by itself, beside those of http1's own codes. */
export const CLIENT_ERRORS = {
  'edge/no-app': {
    status: 404,
    proxyError: 'destination_not_found',
    title: 'No application is configured for this address.',
    doc: 'The host, or its path, matches no app. Check `hosts` and `paths` (or `--host`) with `brxy check --route HOST/PATH`, and the host that the client uses.',
  },
  'edge/too-many-apps': {
    status: 503,
    proxyError: 'connection_limit_reached',
    title: 'This edge serves as many applications as it may.',
    doc: 'As many hosts are active as may be, where each is an app of its own. Raise `maxRoutes` (`--max-apps`), or restrict the hosts.',
  },
  'edge/hold-full': {
    status: 503,
    proxyError: 'connection_limit_reached',
    title: 'Too many requests are waiting for this application.',
    doc: 'The hold queue of the app, or of the edge, is full. Raise `--max`, the concurrency (`-c`), or the hold limits.',
  },
  'edge/draining': {
    status: 503,
    proxyError: 'destination_unavailable',
    title: 'This server is shutting down.',
    doc: 'The edge is stopping and takes no new requests.',
  },
  'edge/hold-timeout': {
    status: 504,
    proxyError: 'connection_timeout',
    title: 'The application was not ready in time.',
    doc: 'The request was held longer than `--hold`. The application starts too slowly or too few instances may run.',
  },
  'edge/cannot-start': {
    status: 503,
    proxyError: 'destination_unavailable',
    title: 'The application cannot be started at the moment.',
    doc: 'Starting an instance failed; `details` names the class. The log and `/v1/status` have the exit status and the last output.',
  },
  'edge/response-timeout': {
    status: 504,
    proxyError: 'http_response_timeout',
    title: 'The application did not answer in time.',
    doc: 'No response head came within `response`. Raise the option for slow applications.',
  },
  'edge/tunnel-lost': {
    status: 502,
    proxyError: 'connection_terminated',
    title: 'The connection to the application was lost.',
    doc: 'The tunnel or the linker died before the response began, and the request may have been served: it is not safe to send it again, or a safe one was lost a second time, or the linker did not come back within `timeouts.lostSession` to say that it never had it. See reliability.md, and the log for why the session ended.',
  },
  'edge/app-closed': {
    status: 502,
    proxyError: 'connection_terminated',
    title: 'The application closed the connection without an answer.',
    doc: 'The application accepted the request and closed the connection before its response was complete. Look at its log.',
  },
  'edge/app-protocol': {
    status: 502,
    proxyError: 'http_protocol_error',
    title: 'The answer of the application is not valid HTTP.',
    doc: 'The application sent something that HTTP/1.1 does not allow. The linker logs what.',
  },
  'edge/app-incomplete': {
    status: 502,
    proxyError: 'http_response_incomplete',
    title: 'The answer of the application was incomplete.',
    doc: 'The body did not have the length that the application declared.',
  },
  'edge/upgrade-failed': {
    status: 502,
    proxyError: 'http_upgrade_failed',
    title: 'The application did not switch protocols as it was asked.',
    doc: 'The answer to an upgrade was no valid 101: another protocol, a wrong `Sec-WebSocket-Accept`, or no HTTP. The linker logs what.',
  },
  'edge/head-timeout': {
    status: 408,
    proxyError: 'http_request_error',
    title: 'The request was not complete in time.',
    doc: 'The client did not finish its request head within `head`.',
  },
  'edge/http2-malformed': {
    status: 400,
    proxyError: 'http_request_error',
    title: 'The request is not valid HTTP/2.',
    doc: 'Its pseudo-header fields or fields break RFC 9113 8: one is missing, repeated or unknown, belongs to a connection of HTTP/1.1, or `host` is not `:authority`. Mend the client.',
  },
  'edge/body-too-large': {
    status: 413,
    proxyError: 'http_request_error',
    title: 'The request body is too large.',
    doc: 'The request body is larger than the `maxBody` of the app. Raise it for applications that take larger uploads.',
  },
  'edge/body-timeout': {
    status: 408,
    proxyError: 'http_request_error',
    title: 'The request body did not come fast enough.',
    doc: 'The client sent nothing of its request body for `bodyIdle`, or less than `bodyRate` for too long, while it was waited for. For clients that are slow on purpose raise or turn off both for the app.',
  },
  'edge/loop': {
    status: 502,
    proxyError: 'proxy_loop_detected',
    title: 'The request has been at this server before.',
    doc: 'The Via field names this very edge: an application, a fallback or a proxy in front sends requests back to it. Look where they are sent.',
  },
  'edge/bad-max-forwards': {
    status: 400,
    proxyError: 'http_request_error',
    title: 'Max-Forwards is not a number.',
    doc: 'An OPTIONS request says in Max-Forwards how many proxies it may pass, and that is no number, or is said twice.',
  },
  'edge/internal': {
    status: 500,
    proxyError: 'proxy_internal_error',
    title: 'An internal error of the proxy.',
    doc: 'A bug in brxy. Please report it with the log around it.',
  },
} as const satisfies Record<string, ClientErrorInfo>

export type ClientErrorCode = keyof typeof CLIENT_ERRORS

/** Errors that operators and linkers see. Thrown as BrxyError or sent in REJECT and 401. */
export const EDGE_ERRORS = {
  'token/missing': 'The linker presented no token. Set BRXY_TOKEN, or make one with `brxy token --route R`.',
  'token/forged':
    'The token was not signed with the secret of this edge. Make a new one with `brxy token` and the same state directory.',
  'token/expired': 'The token has expired. Make a new one with `brxy token`; a longer life is `--ttl`.',
  'token/foreign-route':
    'The token does not allow the route that the linker asked for. Make one with `brxy token --route R`.',
  'token/not-an-edge':
    'Somebody reported demand with the token of a linker. Edges make theirs with the secret that they share.',
  'edge/bad-report':
    'What another edge reported of its demand cannot be read, or is too long. Both edges have to be of versions that work together.',
  'edge/not-scaling':
    'Another edge reports its demand to this one, which does not scale either. Point `reportTo` (`--report-to`) at the edge that does.',
  'edge/not-found': 'The tunnel port was asked for another path. Check the address that the linker dials.',
  'edge/client-certificate':
    'The tunnel takes linkers only with a certificate that `tunnel.tls.clientCa` signed (BRXY_EDGE_CERT, BRXY_EDGE_KEY), and this one has none, or another.',
  'edge/tls-required':
    'The tunnel speaks TLS and the linker does not. Its edge address begins with `wss://`.',
  'edge/already-connected':
    'A live session of the same linker process, or of another one of the same launch, exists. A linker closes the old one before it dials; a command that is a launch starts one linker.',
  'edge/no-route':
    "The edge does not serve the route that the linker asked for. Check `--host` and the linker's route.",
  'edge/stopping': 'The edge is stopping. The linker tries again; a reload is refused.',
  'edge/replaced': 'The same linker process opened a new session.',
  'edge/hello-refused': 'The HELLO could not be accepted.',
  'edge/address-in-use':
    'The port is taken by another process. Choose another one with `-p`, `--tunnel` or `--admin`.',
  'edge/bad-address': 'An address is not `port`, `host:port` or `[ipv6]:port`.',
  'edge/bad-host':
    'A host pattern can match no host. Write a name without a port, `*.name` for all that is below it, or `*` for any host.',
  'edge/bad-path':
    'A path prefix can match no path. It starts with `/`, is visible ASCII without `?` and `#`, and has at most 1024 bytes.',
  'edge/duplicate-route':
    'The same host and path prefix are claimed twice. Remove one of them, or give one of the apps another host or path.',
  'edge/bad-network':
    'An entry of `trustedProxies` is neither an address nor a network. Write `10.0.0.1`, `10.0.0.0/8` or `fd00::/8`.',
  'edge/untrusted-proxy':
    'Somebody connected to a listener with `proxyProtocol` who is not in `trustedProxies`, and was turned away. Name the proxy there; clients use another listener.',
  'edge/bad-proxy-header':
    'What a proxy sent first is no PROXY header of version 1 or 2. Have it send one (HAProxy: `send-proxy-v2`), or turn `proxyProtocol` off for the listener.',
  'edge/no-proxy-header':
    'A trusted proxy connected and sent no whole PROXY header within `timeouts.head`. Have it send one (HAProxy: `send-proxy-v2`), or turn `proxyProtocol` off for the listener.',
  'edge/bad-cron':
    'The cron or the time zone of a keep-warm window cannot be read. A cron has five fields, `0 8 * * 1-5`; a time zone is an IANA name, `Europe/Berlin`.',
  'edge/no-adapter': 'An app names a scaler that was not given to the edge. Embedders pass it in `adapters`.',
  'edge/app-removed': 'The app of the linker was removed from the configuration. The linker leaves.',
  'edge/bad-secret': 'The secret in the state directory cannot be read, or is too short.',
  'edge/advertise-required':
    'With a scaler other than shell, linkers must be told where the edge is: set `tunnel.advertise` (`--advertise`).',
} as const
