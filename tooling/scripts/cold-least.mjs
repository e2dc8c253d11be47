// What a cold start by Node and ws costs at least, for bench-cold.mjs: an edge and a linker that can do nothing but this one
// request. No options, no guard, no pipes, no slots, no HTTP of their own, no bounds, no failures.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createServer } from 'node:http'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { root } from './run.mjs'

const ws = createRequire(join(root, 'packages/linker/package.json')).resolve('ws')
const { WebSocketServer } = createRequire(ws)(ws)

const LINKER = `
const { spawn } = require('node:child_process')
const [command, ...args] = JSON.parse(process.argv[1])
const app = spawn(command, args, { stdio: 'ignore' })
const { connect } = require('node:net')
const WebSocket = require(${JSON.stringify(ws)})
const tunnel = new WebSocket('ws://127.0.0.1:' + process.argv[2], { perMessageDeflate: false })
tunnel.on('message', function ask() {
  const answer = []
  connect(+process.argv[3], '127.0.0.1', function () { this.write('GET / HTTP/1.0\\r\\n\\r\\n') })
    .on('data', (data) => answer.push(data))
    .on('end', () => tunnel.send(Buffer.concat(answer)))
    .on('error', () => setTimeout(ask, 1))
})
tunnel.on('close', () => app.kill('SIGKILL'))
`

/** An edge that starts a linker for each request. @returns what ends it */
export async function startLeast({ port, tunnelPort, appPort, argv, env }) {
  let waiting = null
  const tunnels = new WebSocketServer({ port: tunnelPort, host: '127.0.0.1', perMessageDeflate: false })
  tunnels.on('connection', (tunnel) => {
    tunnel.send('ask')
    tunnel.once('message', (answer) => {
      waiting.response.end(answer)
      tunnel.close()
    })
  })
  const clients = createServer((_request, response) => {
    const args = ['-e', LINKER, JSON.stringify(argv), `${tunnelPort}`, `${appPort}`]
    waiting = { response, linker: spawn(process.execPath, args, { env, stdio: 'ignore' }) }
  }).listen(port, '127.0.0.1')
  await once(clients, 'listening')
  return {
    /** The last linker has ended, and its application with it. */
    idle: () => (waiting.linker.exitCode === null ? once(waiting.linker, 'exit') : undefined),
    close() {
      clients.close()
      tunnels.close()
    },
  }
}
