import type { Problem } from './contract.ts'

/** Kubernetes pulls again, and starts a replica's container again; Nomad does what the job's `restart` says. */
const YES_UNLESS_RETRIED = 'yes, unless the platform itself tries again'

/** For docs: what each class of problem means, and whether it fails its launch at once ({@link Problem.final}). */
export const PROBLEM_DOCS: Readonly<
  Record<Problem['code'], readonly [meaning: string, failsAtOnce: string]>
> = {
  image: ['The image is not there, or cannot be pulled.', YES_UNLESS_RETRIED],
  quota: ['A limit that somebody set on the platform is reached.', 'as the platform says'],
  unschedulable: ['There is no room at the moment.', 'never'],
  denied: ['The adapter may not do this.', 'yes'],
  invalid: ['The command or the description is wrong.', YES_UNLESS_RETRIED],
  crashed: ['It ran, and ended badly.', YES_UNLESS_RETRIED],
  unavailable: ['The platform cannot say, or asks to try again.', 'only if the call to the scaler failed'],
  other: ['Something else; the message says what.', 'as the platform says'],
}
