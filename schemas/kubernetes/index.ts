// Objects
export { type ObjectsText, type ReadObjects, readEntityObjects } from './entity-objects.ts';
// Labels
export { labelledKind } from './labelled-kind.ts';
export type { PodTemplate } from './pod-template.ts';
export { stableLabels } from './stable-labels.ts';
// Whose event it is
export { type Identified, type Seen, SubjectIdentity } from './subject-identity.ts';
