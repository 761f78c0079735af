/** One flat rule: the words in which discovery, the enforcer and the evaluator speak of what a document says. */

import type { PolicyAction } from './kubearmor-policy.ts';
import type { LabelSelector } from './network-policy.ts';

export type RuleClass =
  | 'process'
  | 'file'
  | 'network'
  | 'dns'
  | 'capability'
  | 'syscall'
  | 'preset'
  | 'apparmor'
  | 'egress'
  | 'ingress';

/** When a rule holds only for some: empty lists, false and null narrow nothing. */
export interface Conditions {
  /** Executables that the rule is for; empty: all. */
  readonly fromSource: readonly string[];
  /** The owner of the object may, others may not. */
  readonly ownerOnly: boolean;
  /** Only for tasks with (true) or without (false) a controlling terminal. */
  readonly pts: boolean | null;
}

export type Match =
  /** Whatever no other rule of the class names. */
  | { readonly type: 'default' }
  | ({
      readonly type: 'path';
      readonly path: string;
      readonly allowedArgs: readonly string[] | null;
    } & FileMatch)
  /** `directory` ends in a slash. Not recursive: what lies directly in it. The directory itself is meant too. */
  | ({ readonly type: 'directory'; readonly directory: string; readonly recursive: boolean } & FileMatch)
  | ({ readonly type: 'pattern'; readonly pattern: string } & FileMatch)
  | ({
      readonly type: 'execname';
      readonly execname: string;
      readonly allowedArgs: readonly string[] | null;
    } & FileMatch)
  /** A protocol or socket type in lower case: tcp, udp, raw, stream, all, … */
  | ({ readonly type: 'protocol'; readonly protocol: string } & Conditions)
  | ({ readonly type: 'domain'; readonly domain: string } & Conditions)
  | ({ readonly type: 'capability'; readonly capability: string } & Conditions)
  | {
      readonly type: 'syscall';
      readonly syscall: string;
      /** What it acts on; null: anything. A directory ends in a slash. */
      readonly path: string | null;
      readonly recursive: boolean;
      readonly fromSource: readonly SyscallSource[];
    }
  | { readonly type: 'preset'; readonly preset: string }
  | { readonly type: 'apparmor'; readonly profile: string }
  | { readonly type: 'traffic'; readonly peer: PeerMatch; readonly port: PortMatch };

/** readOnly: reading only; the rule says nothing good of writing. */
interface FileMatch extends Conditions {
  readonly readOnly: boolean;
}

export interface SyscallSource {
  readonly path: string;
  readonly recursive: boolean;
}

/** The other side of a connection. */
export type PeerMatch =
  | { readonly type: 'any' }
  | { readonly type: 'block'; readonly cidr: string; readonly except: readonly string[] }
  /** Pods of one namespace, or (namespace null) of the namespaces the selector selects. */
  | {
      readonly type: 'pods';
      readonly namespace: string | null;
      readonly namespaceSelector: LabelSelector | null;
      readonly podSelector: LabelSelector;
    };

/** The server's port. */
export type PortMatch =
  | { readonly type: 'any' }
  | { readonly type: 'protocol'; readonly protocol: PortProtocol }
  | { readonly type: 'range'; readonly protocol: PortProtocol; readonly first: number; readonly last: number }
  /** The port of that name in the pod that listens. */
  | { readonly type: 'named'; readonly protocol: PortProtocol; readonly name: string };

export type PortProtocol = 'TCP' | 'UDP' | 'SCTP';

export interface FlatRule {
  /** `<class>/<12 hex digits>`, or `<class>/default`. */
  readonly ruleId: string;
  readonly class: RuleClass;
  readonly action: PolicyAction;
  readonly match: Match;
  /** 1 (least) to 10; 1 when the document says nothing. */
  readonly severity: number;
  readonly tags: readonly string[];
  readonly message: string;
  /** Where it stands in the document: `spec.file.matchPaths[2]`. */
  readonly at: string;
}

export type UnnamedRule = Omit<FlatRule, 'ruleId'>;
