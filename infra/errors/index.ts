export {
  catalogue,
  classify,
  type ErrorCode,
  type FailureStage,
  type Reaction,
  SluiceError,
} from './catalogue.ts';
