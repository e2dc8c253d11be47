import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, beforeEach, expect, it } from 'vitest'
import nomad from './index.ts'

/** An agent without a node for the job: it remembers the count, and answers nothing else. */
let server: Server
let count: number
let isDown: boolean

beforeEach(async () => {
  count = 0
  isDown = false
  server = createServer(async (request, response) => {
    const answer = (status: number, body: unknown) => response.writeHead(status).end(JSON.stringify(body))
    const path = request.url?.replace(/\?.*/, '')
    if (request.method === 'POST') {
      const body = JSON.parse(Buffer.concat(await request.toArray()).toString())
      if (isDown) return answer(500, 'no leader')
      count = body.Count
      return answer(200, {})
    }
    switch (path) {
      case '/v1/job/web':
        return answer(200, { TaskGroups: [{ Name: 'app', Tasks: [{ Name: 'app', KillTimeout: 60e9 }] }] })
      case '/v1/job/web/scale':
        return answer(200, { JobStopped: false, TaskGroups: { app: { Desired: count } } })
      case '/v1/job/web/allocations':
        return answer(200, [])
      case '/v1/job/web/evaluations':
        return answer(200, [
          { Status: 'complete', ModifyIndex: 1, FailedTGAllocs: { app: { NodesEvaluated: 0 } } },
        ])
    }
    answer(404, path)
  })
  await once(server.listen(0, '127.0.0.1'), 'listening')
})
afterEach(() => {
  server.closeAllConnections()
  server.close()
})

it('what has no node keeps its id, unless it was removed: then what is wanted in its place has another one', async () => {
  const { port } = server.address() as AddressInfo
  const host = { owner: 'me', stateDir: '/nonexistent', changed() {}, log() {} }
  const scaler = nomad({ address: `http://127.0.0.1:${port}` }, host)
  const app = scaler.app('shop', { job: 'web', mode: 'count' })
  const { signal } = new AbortController()
  try {
    const [first, ...others] = await app.scale({ want: 1, start: [], remove: [] }, signal)
    expect([first.problem?.code, others]).toEqual(['unschedulable', []])
    isDown = true
    await expect(app.scale({ want: 0, start: [], remove: [first] }, signal)).rejects.toThrow('no leader')
    expect(await app.observe(signal)).toMatchObject([{ id: first.id }])
    isDown = false
    const [second] = await app.scale({ want: 1, start: [], remove: [first] }, signal)
    expect(second.id).not.toBe(first.id)
    expect([count, second.problem?.code]).toEqual([1, 'unschedulable'])
    expect(await app.scale({ want: 0, start: [], remove: [second] }, signal)).toEqual([])
    expect(count).toBe(0)
  } finally {
    await scaler.close()
  }
})
