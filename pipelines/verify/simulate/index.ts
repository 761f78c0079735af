export { publishedCandidates, readCandidates, readPublished } from './candidates.ts';
export type { Finding, Findings } from './judge.ts';
export {
  type Simulation,
  type SimulationOptions,
  type SimulationProgress,
  type SimulationState,
  simulate,
} from './simulate.ts';
