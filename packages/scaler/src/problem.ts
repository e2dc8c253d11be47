import type { Problem } from './contract.ts'

/** For docs: what each class of problem means, and whether it fails its launch. */
export const PROBLEM_DOCS: Readonly<Record<Problem['code'], readonly [meaning: string, final: string]>> = {
  image: ['The image is not there, or cannot be pulled.', 'yes'],
  quota: ['A limit that somebody set on the platform is reached.', 'as the platform says'],
  unschedulable: ['There is no room at the moment.', 'never'],
  denied: ['The adapter may not do this.', 'yes'],
  invalid: ['The command or the description is wrong.', 'yes'],
  crashed: ['It ran, and ended badly.', 'yes'],
  unavailable: ['The platform cannot say, or asks to try again.', 'no'],
  other: ['Something else; the message says what.', 'as the platform says'],
}
