export {
  type Endpoint,
  type Flow,
  Judge,
  type JudgeName,
  judgesProgram,
  type PeerVerdict,
  type Question,
} from './judges.ts';
