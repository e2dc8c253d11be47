// `gated-app.mjs DIRECTORY`, on PORT: a request is noted in DIRECTORY/started, and answered, with the index of this instance among
// those of its job, when a test has made DIRECTORY/open-INDEX.
import { appendFileSync, existsSync } from 'node:fs'
import { createServer } from 'node:http'
import { join } from 'node:path'

const POLL_MS = 20
const directory = process.argv[2]
const index = process.env.NOMAD_ALLOC_INDEX

const server = createServer(async (_request, response) => {
  appendFileSync(join(directory, 'started'), `${index}\n`)
  while (!existsSync(join(directory, `open-${index}`))) await new Promise((done) => setTimeout(done, POLL_MS))
  response.end(index)
})
server.listen(process.env.PORT, '127.0.0.1')
process.once('SIGTERM', () => process.exit())
