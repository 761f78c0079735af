/** @kafkajs/confluent-schema-registry as it comes, for benchmarks to compare with. */

import { SchemaRegistry } from '@kafkajs/confluent-schema-registry';

export interface StockClient {
  encode(schemaId: number, value: unknown): Promise<Buffer>;
  decode(bytes: Buffer): Promise<unknown>;
  /** With a reader schema, which that client compiles anew for every record. */
  decodeAs(bytes: Buffer, readerSchema: string): Promise<unknown>;
}

export function stockClient(url: string): StockClient {
  const registry = new SchemaRegistry({ host: url });
  return {
    encode: (schemaId, value) => registry.encode(schemaId, value),
    decode: bytes => registry.decode(bytes),
    decodeAs: (bytes, readerSchema) =>
      registry.decode(bytes, { AVRO: { readerSchema: JSON.parse(readerSchema) } } as never),
  };
}
