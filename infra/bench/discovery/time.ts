/** Event time of the benchmark, in microseconds. */

export const secondUs = 1_000_000;
export const minuteUs = 60 * secondUs;
export const hourUs = 60 * minuteUs;
export const dayUs = 24 * hourUs;

/** 2026-01-05T00:00:00Z, a Monday. */
export const beginningUs = 1_767_571_200_000_000;
