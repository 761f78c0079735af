import type { Serde, Serdes } from '#schemas';
import { GrowingProfile } from './profile.ts';

/** Growing profiles as BehaviourProfile records. */
export function profileSerde(serdes: Serdes): Serde<GrowingProfile> {
  const records = serdes.of('behaviours.v1');
  return {
    serialize: profile => records.serialize(profile.record()),
    deserialize: bytes => GrowingProfile.of(records.deserialize(bytes)),
  };
}
