// An application that says how many requests it wants, and shows how many it gets, on PORT.
//   /slots/N      asks for N at a time by Brxy-Slots
//   /together/N   is answered when N such requests are here at once
//   /most         is answered after a moment, with the most that were here at once since /forget
//   /control      where its linker's control socket is
import { createServer } from 'node:http'

let waiting = []
let running = 0
let most = 0

createServer((request, response) => {
  const [, what, count] = request.url.split('/')
  most = Math.max(most, ++running)
  response.on('close', () => running--)
  switch (what) {
    case 'slots':
      response.setHeader('Brxy-Slots', count)
      return response.end('ok')
    case 'together':
      waiting.push(response)
      if (waiting.length < Number(count)) return
      for (const one of waiting) one.end('together')
      waiting = []
      return
    case 'most':
      return setTimeout(() => response.end(String(most)), 100)
    case 'forget':
      most = 0
      return response.end('ok')
    default:
      return response.end(process.env.BRXY_CONTROL ?? 'none')
  }
}).listen(Number(process.env.PORT), '127.0.0.1')
