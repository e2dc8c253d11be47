/**
 * Shortest time in seconds from a platform's SIGTERM (or SIGINT) to its SIGKILL: a linker's drain (30 s), the stop of its
 * application (10 s), and 5 s. With less, running requests may be cut. An adapter sets it where it owns the description of
 * an instance, and warns where it does not.
 */
export const LEAST_STOP_GRACE_S = 45
