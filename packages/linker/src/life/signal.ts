// signal(7), as every platform that Node runs on numbers them; the few that differ (SIGUSR1, SIGUSR2, SIGBUS) have
// the numbers of Linux here, so that an exit code means the same everywhere.
const NUMBERS: Readonly<Record<string, number>> = {
  SIGHUP: 1,
  SIGINT: 2,
  SIGQUIT: 3,
  SIGILL: 4,
  SIGTRAP: 5,
  SIGABRT: 6,
  SIGBUS: 7,
  SIGFPE: 8,
  SIGKILL: 9,
  SIGUSR1: 10,
  SIGSEGV: 11,
  SIGUSR2: 12,
  SIGPIPE: 13,
  SIGALRM: 14,
  SIGTERM: 15,
}

/** The number of a signal, which a shell adds to 128 for the status of a process that it ended; 0 if it is unknown. */
export function signalNumber(name: string): number {
  return NUMBERS[name] ?? 0
}
