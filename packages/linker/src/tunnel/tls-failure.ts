/** OpenSSL's words for "I know nobody who vouches for this" (X509_V_ERR_...). */
const UNTRUSTED: ReadonlySet<string> = new Set([
  'CERT_SIGNATURE_FAILURE',
  'CERT_UNTRUSTED',
  'DEPTH_ZERO_SELF_SIGNED_CERT',
  'INVALID_CA',
  'SELF_SIGNED_CERT_IN_CHAIN',
  'UNABLE_TO_GET_ISSUER_CERT',
  'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
])

/** What Node says when TLS fails. */
interface TlsError extends NodeJS.ErrnoException {
  /** With `ERR_TLS_CERT_ALTNAME_INVALID`. */
  readonly cert?: { readonly subjectaltname?: string }
}

/**
 * Why no TLS came about with an edge, and what to do, for whoever runs the linker.
 * @param ca file with the CAs that were to vouch for the edge; undefined: the public ones
 * @returns null if the failure is none of TLS
 */
export function explainTlsFailure(error: TlsError, url: URL, ca: string | undefined): string | null {
  if (url.protocol !== 'wss:') return null
  const { code = '', message } = error
  if (UNTRUSTED.has(code)) {
    const remedy = 'give the file with the CA that did with --edge-ca or BRXY_EDGE_CA'
    return ca === undefined
      ? `no public CA has signed the certificate of the edge (${code}); ${remedy}`
      : `the CA in "${ca}" has not signed the certificate of the edge (${code}); ${remedy}`
  }
  if (code === 'ERR_TLS_CERT_ALTNAME_INVALID') {
    const names = error.cert?.subjectaltname ?? 'nothing'
    return `the certificate of the edge is for ${names}, not for ${url.hostname}; dial a name that it has (what launches dial is tunnel.advertise of the edge)`
  }
  if (code === 'CERT_HAS_EXPIRED') return 'the certificate of the edge has expired; renew it there'
  if (code === 'CERT_NOT_YET_VALID')
    return 'the certificate of the edge is not valid yet; look at the clocks of both machines'
  if (/wrong version number|packet length too long/.test(message))
    return `the edge does not speak TLS at this port; dial ws://${url.host}, or give the edge tunnel.tls`
  if (/alert certificate required|alert bad certificate|alert unknown ca/.test(message))
    return 'the edge wants a client certificate that it knows the CA of; give it with --edge-cert and BRXY_EDGE_KEY'
  return null
}
