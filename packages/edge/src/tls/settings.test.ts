import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { OptionsError } from '@brxy/options'
import { afterAll, describe, expect, it } from 'vitest'
import { edgeOptions } from '../settings.ts'
import { loadTls } from './settings.ts'
import { TestCa } from './test-ca.testkit.ts'

const DAY_MS = 24 * 3_600_000

const ca = new TestCa()
const shop = ca.sign(['shop.test', '*.Shop.test'])
const blog = ca.sign(['blog.test'])
afterAll(() => ca.remove())

function file(name: string, text: string): string {
  writeFileSync(join(ca.directory, name), text)
  return name
}

/** What is wrong, each as `path: message` with the directory taken out, and what is loaded. */
async function load(options: Parameters<typeof edgeOptions>[0], nowMs = Date.now()) {
  const errors: OptionsError[] = []
  const tls = await loadTls(edgeOptions(options), ca.directory, (error) => errors.push(error), nowMs)
  return {
    ...tls,
    keys: errors.map(({ keys }) => keys),
    errors: errors.map(({ message }) => message.replaceAll(`${ca.directory}/`, '')),
  }
}

const secure = (...certs: { cert: string; key: string }[]) => ({ listen: [{ bind: ':443', tls: { certs } }] })

describe('the TLS of a configuration', () => {
  it('is read from files beside the configuration, in the order of the listeners', async () => {
    const { listen, tunnel, errors, warnings } = await load({
      listen: [{ bind: ':80', redirect: 'https' }, ...secure(shop, blog).listen],
      tunnel: { tls: { ...blog, clientCa: ca.caFile } },
      timeouts: { tlsHandshakeMs: 500 },
    })
    expect([errors, warnings]).toEqual([[], []])
    expect(
      listen.map(({ isRedirect, tls }) => [isRedirect, tls?.certificates.map(({ names }) => names)]),
    ).toEqual([
      [true, undefined],
      [false, [['shop.test', '*.shop.test'], ['blog.test']]],
    ])
    expect(listen[1].tls).toMatchObject({ clientCa: null, handshakeMs: 500 })
    expect(tunnel).toMatchObject({ clientCa: ca.ca, handshakeMs: 500 })
  })

  it('is nothing by default, and the handshake has 10 s', async () => {
    const { listen, tunnel } = await load({})
    expect([listen, tunnel]).toEqual([
      [{ bind: 'localhost:8080', isRedirect: false, proxyProtocol: false, http2: true, tls: null }],
      null,
    ])
    expect(edgeOptions({}).timeouts.tlsHandshakeMs).toBe(10_000)
  })

  it('has the CAs of the edge that is reported to, which is dialled with TLS', async () => {
    const { reportCa, errors } = await load({ reportTo: 'wss://other.test:9080', reportCa: ca.caFile })
    expect([reportCa, errors]).toEqual([ca.ca, []])
    const noise = file('noise.pem', 'no PEM at all')
    expect((await load({ reportTo: 'wss://other.test', reportCa: noise })).errors).toEqual([
      'reportCa: "noise.pem" has no certificate in it; expected PEM: -----BEGIN CERTIFICATE-----',
    ])
    for (const reportTo of [undefined, 'ws://other.test:9080'])
      expect(
        (await load({ ...(reportTo === undefined ? {} : { reportTo }), reportCa: ca.caFile })).errors,
      ).toEqual(['reportCa: is for a reportTo of wss://HOST, and there is none'])
  })

  it('names the key, the file and the reason of each mistake, and goes on', async () => {
    const noise = file('noise.pem', 'no PEM at all')
    const broken = file('broken.pem', ca.ca.replace(/\n[A-Za-z0-9+/]{10}/, '\n!!!!!!!!!!'))
    const endless = file('endless.pem', '-----BEGIN CERTIFICATE-----\n')
    const brokenKey = file('broken.key', '-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n')
    const large = file('large.pem', `-----BEGIN CERTIFICATE-----\n${'\n'.repeat(1024 * 1024)}`)
    const { errors, keys, listen } = await load(
      secure(
        { ...shop, cert: 'missing.pem' },
        { ...shop, cert: noise },
        { ...shop, cert: broken },
        { ...shop, cert: endless },
        { ...shop, cert: large },
        { ...shop, cert: '.' },
        { ...shop, key: shop.cert },
        { ...shop, key: brokenKey },
        { ...shop, key: blog.key },
        shop,
      ),
    )
    const at = (n: number, key: string) => `listen[0].tls.certs[${n}].${key}: `
    expect(errors).toEqual([
      `${at(0, 'cert')}"missing.pem" cannot be read (ENOENT)`,
      `${at(1, 'cert')}"noise.pem" has no certificate in it; expected PEM: -----BEGIN CERTIFICATE-----`,
      expect.stringMatching(
        /^listen\[0\]\.tls\.certs\[2\]\.cert: "broken.pem" has a broken certificate in it: /,
      ),
      `${at(3, 'cert')}"endless.pem" has a broken certificate in it: it does not end`,
      `${at(4, 'cert')}"large.pem" has 1048604 bytes; expected at most 1048576 of PEM`,
      expect.stringMatching(/certs\[5\]\.cert: ".*" cannot be read \(EISDIR\)/),
      `${at(6, 'key')}"${shop.cert}" has no private key in it; expected PEM: -----BEGIN PRIVATE KEY-----`,
      expect.stringMatching(/certs\[7\]\.key: "broken.key" has a broken key in it: /),
      `${at(8, 'key')}"${blog.key}" is not the key of the certificate in "${shop.cert}"`,
    ])
    expect(keys[0]).toEqual(['listen', 0, 'tls', 'certs', 0, 'cert'])
    expect(listen[0].tls?.certificates.length).toBe(1)
  })

  it('wants the own certificate before those that lead to its CA, and says so', async () => {
    const swapped = file('swapped.pem', ca.ca + ca.read(shop.cert))
    expect((await load(secure({ ...shop, cert: swapped }))).errors).toEqual([
      expect.stringMatching(
        /is not the key of .*"; it belongs to a later one there: the own certificate must come first$/,
      ),
    ])
    const chain = file('chain.pem', ca.read(shop.cert) + ca.ca)
    expect((await load(secure({ ...shop, cert: chain }))).errors).toEqual([])
  })

  it('takes no key with a passphrase', async () => {
    const text = '-----BEGIN ENCRYPTED PRIVATE KEY-----\nAAAA\n-----END ENCRYPTED PRIVATE KEY-----\n'
    const { errors } = await load(secure({ ...shop, key: file('encrypted.key', text) }))
    expect(errors).toEqual([
      expect.stringMatching(/"encrypted.key" is encrypted; write it without a passphrase/),
    ])
  })

  it('names mistakes in the tunnel', async () => {
    const { errors, tunnel } = await load({ tunnel: { tls: { ...shop, key: 'no.key', clientCa: shop.key } } })
    expect(errors).toEqual([
      'tunnel.tls.key: "no.key" cannot be read (ENOENT)',
      expect.stringMatching(/^tunnel\.tls\.clientCa: ".*" has no certificate in it/),
    ])
    expect(tunnel).toBe(null)
  })

  it('warns of certificates that have expired, are not valid yet, or can never be chosen', async () => {
    const nameless = ca.sign([])
    const later = await load(secure(shop), Date.now() + 3 * DAY_MS)
    expect(later.errors).toEqual([])
    expect(later.warnings).toEqual([
      {
        keys: ['listen', 0, 'tls', 'certs', 0, 'cert'],
        message: expect.stringMatching(
          /^"leaf-1.pem" has expired on \d{4}-\d\d-\d\d; clients refuse it, renew it$/,
        ),
      },
    ])
    const [early] = (await load(secure(shop), Date.now() - 3 * DAY_MS)).warnings
    expect(early.message).toMatch(/is not valid before \d{4}-\d\d-\d\d; is the clock right\?$/)
    const [never] = (await load(secure(shop, nameless))).warnings
    expect([never.keys[4], never.message]).toEqual([
      1,
      expect.stringMatching(/so no server name leads to it$/),
    ])
    expect((await load(secure(nameless))).warnings).toEqual([])
  })

  it('refuses a redirect that leads nowhere, and one beside tls', async () => {
    expect((await load({ listen: [{ bind: ':80', redirect: 'https' }] })).errors).toEqual([
      'listen[0].redirect: leads nowhere: give another listener tls with its certs',
    ])
    const both = { listen: [{ bind: ':443', redirect: 'https' as const, tls: { certs: [shop] } }] }
    expect((await load(both)).errors).toEqual([
      'listen[0].redirect: cannot be given beside tls; a listener has one of them',
    ])
  })
})
