import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'

// Every cold start waits for the command: one file before the application is spawned and one behind it. As CommonJS, for
// Node's loader of ES modules takes 5 ms of itself; without comments and white space, for V8 reads every character first.
// What is imported as a library is not bundled. docs/performance.md has what each of it gains.
const ws = dirname(createRequire(import.meta.url).resolve('ws/package.json'))
const license = readFileSync(join(ws, 'LICENSE'), 'utf8')

/** Of ws only the client: its server, and what is there for browsers and streams, would be loaded as well. */
const wsClient = {
  name: 'ws-client',
  resolveId: (id) => (id === 'ws' ? '\0ws-client' : null),
  load: (id) =>
    id === '\0ws-client'
      ? `export { default as WebSocket } from ${JSON.stringify(join(ws, 'lib/websocket.js'))}`
      : null,
}

const SELDOM_NEEDED = /^const (\w+) = require\('(http|https|querystring|tls|zlib)'\);$/gm

/**
 * What ws loads for all, and a tunnel without TLS, a password in its address or compression needs never; and faster masks, which
 * cost each start more than they gain a linker.
 */
const wsLazily = {
  name: 'ws-lazily',
  transform(code, id) {
    if (!id.startsWith(ws)) return null
    const found = [...code.matchAll(SELDOM_NEEDED)]
    const lazy = found.reduce(
      (text, [line, name, module]) =>
        text
          .replace(line, '')
          .replaceAll(new RegExp(`(?<![\\w.'])${name}\\.(?=\\w)`, 'g'), `require('${module}').`),
      code,
    )
    const file = id.slice(ws.length + 1)
    return (INSTEAD[file] ?? []).reduce((text, [old, instead]) => replaceOnce(file, text, old, instead), lazy)
  },
}

/** By file of ws. */
const INSTEAD = {
  // Our own request without TLS: src/tunnel/handshake-request.ts. It comes with the options.
  'lib/websocket.js': [[": require('http').request;", ": (opts.request ?? require('http').request);"]],
  // Masks that are faster, of later versions of Node and of an addon: to ask for either takes a millisecond.
  'lib/buffer-util.js': [
    ["const { websocketMask, websocketUnmask } = require('http');", 'const websocketMask = undefined;'],
    ['!process.env.WS_NO_BUFFER_UTIL', 'false'],
  ],
}

/** @throws Error if a later ws reads otherwise */
function replaceOnce(file, text, old, instead) {
  if (text.split(old).length !== 2) throw new Error(`ws/${file} has not one "${old}": see rolldown.config.js`)
  return text.replace(old, instead)
}

/** It is an entry so that its file can be loaded by name. What comes of the entry itself only names that file. */
const withoutCli = {
  name: 'without-cli',
  generateBundle: (_options, files) => void delete files['bundle-cli.cjs'],
}

export default {
  input: { main: 'dist/main.js', cli: 'dist/cli.js' },
  platform: 'node',
  // Addons that the code of ws names and never loads here: `bufferutil` is in dead code (INSTEAD), and Node checks UTF-8 itself.
  external: ['bufferutil', 'utf-8-validate'],
  plugins: [wsClient, wsLazily, withoutCli],
  output: {
    dir: 'dist',
    format: 'cjs',
    entryFileNames: 'bundle-[name].cjs',
    chunkFileNames: 'bundle-[name].cjs',
    // All that is there before the application is spawned; what is loaded later shares it.
    codeSplitting: { groups: [{ name: 'start', test: /[\\/]dist[\\/]cli\.js$/ }] },
    // The command is one of them.
    minifyInternalExports: false,
    // Names stay, for the sake of stack traces.
    minify: { mangle: false, compress: false, codegen: { removeWhitespace: true } },
    postBanner: ({ name, isEntry }) =>
      `${isEntry ? '' : '((exports, require, module) => {'}${name === 'linker' ? `/*! Contains ws.\n${license}*/` : ''}`,
    postFooter: ({ isEntry }) => (isEntry ? '' : '\n})'),
  },
}
