import type { Instance } from '../../contract.ts'
import { NamedScaler } from '../fake/named.testkit.ts'
import { catches, named } from '../planted.testkit.ts'
import { PROBLEMS } from './problems.ts'

catches(PROBLEMS, [
  {
    bug: 'has one class for all problems',
    caught: 'tells the problem "image"',
    says: /expected a problem "image", saw/,
    driver: named(
      class extends NamedScaler {
        override async list(route: string, signal: AbortSignal): Promise<Instance[]> {
          return (await super.list(route, signal)).map((one) =>
            one.problem === undefined ? one : { ...one, problem: { ...one.problem, code: 'other' } },
          )
        }
      },
    ),
  },
  {
    bug: "does not say the platform's own words",
    caught: 'tells the problem "image"',
    says: /expected the platform's own words \(cannot pull "nope"\) in the message, saw: it failed/,
    driver: named(
      class extends NamedScaler {
        override async list(route: string, signal: AbortSignal): Promise<Instance[]> {
          return (await super.list(route, signal)).map((one) =>
            one.problem === undefined ? one : { ...one, problem: { ...one.problem, message: 'it failed' } },
          )
        }
      },
    ),
  },
  {
    bug: 'gives up a launch for which there is no room at the moment',
    caught: 'tells the problem "unschedulable"',
    says: /final of .*unschedulable/,
    driver: named(
      class extends NamedScaler {
        override async list(route: string, signal: AbortSignal): Promise<Instance[]> {
          return (await super.list(route, signal)).map((one) =>
            one.problem === undefined ? one : { ...one, problem: { ...one.problem, final: true } },
          )
        }
      },
    ),
  },
])
