import type { Sensor } from './sensor.ts';

/** One thing the kernel part must do. */
export interface Case {
  readonly name: string;
  /** Throws when it does not hold. */
  readonly run: (sensor: Sensor) => Promise<void>;
}
