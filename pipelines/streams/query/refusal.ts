export interface RefusalDetails {
  readonly headers?: Readonly<Record<string, string>>;
  /** Told besides the message. */
  readonly fields?: Readonly<Record<string, unknown>>;
}

/** An answer other than what was asked for: its status, and a message that says what would be answered. */
export class Refusal extends Error {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly fields: Readonly<Record<string, unknown>>;

  constructor(status: number, message: string, { headers = {}, fields = {} }: RefusalDetails = {}) {
    super(message);
    this.name = 'Refusal';
    this.status = status;
    this.headers = headers;
    this.fields = fields;
  }
}

export const badParameter = (name: string, why: string) => new Refusal(400, `${name}: ${why}`);

/** It will be answered in a moment. */
export const notNow = (message: string) => new Refusal(503, message, { headers: { 'retry-after': '1' } });
