/** What measuring is timed with, in milliseconds and parts of them. No Clock: nothing depends on it but figures. */
export const stopwatchMs = (): number => performance.now();
