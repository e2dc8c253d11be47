import { once } from 'node:events'
import { takeDownRun } from './run.ts'

// Beside a run of the tests, in a session of its own: it is told of the run's end, whatever that is (a SIGKILL as well), by the
// end of the pipe between them. Only it takes a run down, so there is one way to do that.
const [run = ''] = process.argv.slice(2)
process.stdin.resume()
await once(process.stdin, 'end')
await takeDownRun(run)
