import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { ApiServer, statusOf } from './api-server.testkit.ts'
import { KubeClient } from './client.ts'
import { scalerError } from './error.ts'

const PODS = '/api/v1/namespaces/default/pods'
const signal = new AbortController().signal
let api: ApiServer
let client: KubeClient

beforeEach(async () => {
  api = await ApiServer.start()
  client = new KubeClient(api)
})
afterEach(() => client.close())

describe('a request', () => {
  it('is tried again when the API is busy, after the pause that it asks for', async () => {
    const call = client.request(PODS, {}, signal)
    await api.answer(429, statusOf(429, 'TooManyRequests', 'slow down'), { 'retry-after': '0' })
    await api.answer(503, { message: 'no leader' })
    await api.answer(200, { items: [] })
    expect(await call).toEqual({ items: [] })
  })

  it('fails after three tries, in the words of the API', async () => {
    const call = client.request(PODS, {}, signal).catch((error) => scalerError(error, signal))
    for (let i = 0; i < 3; i++) await api.answer(500, statusOf(500, 'InternalError', 'etcdserver: no leader'))
    expect(await call).toMatchObject({
      code: 'scaler/unavailable',
      message: `Kubernetes: GET ${PODS}: 500 etcdserver: no leader`,
    })
  })

  it('has the credentials read anew when they are refused, and is denied when they stay so', async () => {
    const call = client.request(PODS, {}, signal).catch((error) => scalerError(error, signal))
    for (let i = 0; i < 3; i++) await api.answer(401, statusOf(401, 'Unauthorized', 'Unauthorized'))
    expect(await call).toMatchObject({
      code: 'scaler/denied',
      message: expect.stringContaining('401 Unauthorized'),
    })
    expect(api.refreshed).toBeGreaterThanOrEqual(2)
  })

  it.each([
    [
      406,
      'NotAcceptable',
      'only the following media types are accepted: application/json',
      'scaler/unavailable',
    ],
    [403, 'Forbidden', 'pods is forbidden: User "x" cannot list resource "pods"', 'scaler/denied'],
    [404, 'NotFound', 'deployments.apps "shop" not found', 'scaler/unavailable'],
  ])('that is answered %i is not repeated, and says why', async (status, reason, message, code) => {
    const call = client.request(PODS, {}, signal).catch((error) => scalerError(error, signal))
    await api.answer(status, statusOf(status, reason, message))
    expect(await call).toMatchObject({ code, message: `Kubernetes: GET ${PODS}: ${status} ${message}` })
  })

  it('that is aborted while it waits to try again ends at once', async () => {
    const abort = new AbortController()
    const call = client.request(PODS, {}, abort.signal).catch((error) => scalerError(error, abort.signal))
    await api.answer(429, statusOf(429, 'TooManyRequests', 'slow down'), { 'retry-after': '60' })
    abort.abort()
    expect(await call).toMatchObject({ code: 'scaler/aborted' })
  })
})
