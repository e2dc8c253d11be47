// `gated-app.mjs DIRECTORY`, on PORT: a request is noted in DIRECTORY/started, and answered, with the name of this instance, when a
// test has made DIRECTORY/open-NAME. It is that of its launch or, where it has none, its index among those of its job.
import { appendFileSync, existsSync } from 'node:fs'
import { createServer } from 'node:http'
import { join } from 'node:path'

const POLL_MS = 20
const directory = process.argv[2]
const name = process.env.BRXY_LAUNCH ?? process.env.NOMAD_ALLOC_INDEX

const server = createServer(async (_request, response) => {
  appendFileSync(join(directory, 'started'), `${name}\n`)
  while (!existsSync(join(directory, `open-${name}`))) await new Promise((done) => setTimeout(done, POLL_MS))
  response.end(name)
})
server.listen(process.env.PORT, '127.0.0.1')
process.once('SIGTERM', () => process.exit())
