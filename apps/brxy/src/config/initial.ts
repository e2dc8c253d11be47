import { columns } from '../columns.ts'

const DEFAULT_COMMAND = ['python3', '-m', 'http.server', '{port}']

/** What `brxy init` writes: a file that works as it stands and shows what else there is. */
export function initialConfig(command: readonly string[], file: string): string {
  const words = ['brxy', 'link', '--', ...(command.length === 0 ? DEFAULT_COMMAND : command)]
  const commands = [
    [`brxy check ${file}`, 'is it right, and what does each option come to'],
    [`brxy edge -f ${file}`, 'run it'],
    [`brxy reload -f ${file}`, 'after a change, while it runs'],
  ]
  const usage = columns(commands.map(([line, why]) => ['#  ', line, why]))
  return `# yaml-language-server: $schema=https://raw.githubusercontent.com/brxy/brxy/main/apps/brxy/brxy.schema.json
# What this edge serves.
${usage}
# Every key: https://github.com/brxy/brxy/blob/main/docs/config.md
version: 1

# Where clients connect. "8080" is this machine only, ":8080" everybody.
listen:
  - bind: "8080"

# Where linkers and operators connect; for a second edge on one machine other ports.
# tunnel: { bind: "127.0.0.1:9080" }
# admin: { bind: "127.0.0.1:9081" }

# What every app below has unless it says otherwise.
defaults:
  max: 10             # instances at most
  hold: 50s           # how long a request may wait for one

apps:
  # The name is the route: the application's linker asks for it, \`brxy status\` shows it.
  web:
    # Without hosts the app serves every host that no other app names.
    # hosts: [shop.example.com, "*.shop.example.com"]      # quote what begins with *
    scaler:
      shell:
        # Run once for each instance. {port} becomes a free port, which is in $PORT, too. One request at a
        # time; with \`brxy link -c 4 -- …\` four.
        command: ${JSON.stringify(words).replaceAll('","', '", "')}

    # min: 1            # keep one running
    # keepWarm:         # or only at certain times
    #   - { cron: "0 8 * * 1-5", for: 10h, min: 1, tz: Europe/Berlin }
    # passive:          # answer probes without starting anything
    #   - { path: /healthz, whenAsleep: { status: 200, body: ok } }

  # A second app, under a path of the same hosts:
  # api:
  #   paths: [{ prefix: /api, strip: true }]
  #   scaler: { shell: { command: [brxy, link, --, node, api.js] } }
`
}
