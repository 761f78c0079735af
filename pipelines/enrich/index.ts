export { type ObjectsText, type ReadObjects, readEntityObjects } from './entity-objects.ts';
export { type Identified, SubjectIdentity } from './entity-objects-identity.ts';
export { labelledKind } from './labelled-kind.ts';
export { GrowingProfile } from './profile.ts';
export {
  type EnrichOptions,
  type EnrichSettings,
  enrichDefaults,
  enrichTopology,
  learnedTopics,
} from './topology.ts';
