// A gRPC server for the end-to-end tests: `grpc-app.mjs name=value...`, on PORT. Messages are UTF-8 text. Settings:
// startMs (listens that late).
import { Metadata, Server, ServerCredentials, status } from '@grpc/grpc-js'

const settings = Object.fromEntries(process.argv.slice(2).map((word) => word.split('=')))
const wait = (ms) => new Promise((resolve) => setTimeout(resolve, ms))
let cancelled = 0

/** Counts a call that never ends by itself (grpc-js emits `cancelled` for the others as well). */
function whenCut(call) {
  call.on('cancelled', () => {
    cancelled++
  })
}

/** What each method says to what it gets. */
const methods = {
  async Unary(call, answer) {
    const text = call.request
    if (text === 'fail') return answer({ code: status.NOT_FOUND, details: 'nothing here, schön: 100%' })
    if (text === 'hang') return whenCut(call)
    if (text === 'pid') {
      await wait(500)
      return answer(null, `${process.pid}`)
    }
    if (text === 'cancelled') return answer(null, `${cancelled}`)
    const head = new Metadata()
    head.set('x-name', `${call.metadata.get('x-name')}`)
    head.set('x-blob-bin', call.metadata.get('x-blob-bin')[0] ?? Buffer.alloc(0))
    call.sendMetadata(head)
    const trailer = new Metadata()
    trailer.set('x-bytes', `${Buffer.byteLength(text)}`)
    answer(null, text, trailer)
  },
  Upload(call, answer) {
    let [messages, bytes] = [0, 0]
    call.on('data', (text) => {
      messages++
      bytes += Buffer.byteLength(text)
    })
    call.on('end', () => answer(null, `${messages} ${bytes}`))
  },
  async Download(call) {
    const [count, bytes] = call.request.split(' ').map(Number)
    if (count === Infinity) whenCut(call)
    for (let i = 0; i < count && !call.cancelled; i++)
      if (!call.write('x'.repeat(bytes))) await new Promise((resolve) => call.once('drain', resolve))
    call.end()
  },
  Chat(call) {
    call.on('data', (text) => call.write(`you said ${text}`))
    call.on('end', () => call.end())
  },
}

const text = { serialize: (message) => Buffer.from(message), deserialize: (bytes) => bytes.toString() }
const method = (name, requestStream, responseStream) => ({
  path: `/test.Echo/${name}`,
  requestStream,
  responseStream,
  requestSerialize: text.serialize,
  requestDeserialize: text.deserialize,
  responseSerialize: text.serialize,
  responseDeserialize: text.deserialize,
})

await wait(Number(settings.startMs ?? 0))
const server = new Server()
server.addService(
  {
    Unary: method('Unary', false, false),
    Upload: method('Upload', true, false),
    Download: method('Download', false, true),
    Chat: method('Chat', true, true),
  },
  methods,
)
server.bindAsync(`127.0.0.1:${process.env.PORT}`, ServerCredentials.createInsecure(), (error) => {
  if (error) throw error
})
process.on('SIGTERM', () => server.forceShutdown())
