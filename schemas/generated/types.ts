// Made from schemas/avro by `make generate`. Edit the .avsc files, not this one.

type Defaulted<T, K extends keyof T> = Omit<T, K> & Partial<Pick<T, K>>;

/** The books of one agent. emitted = delivered + spooled + every dropped.<reason>, always. */
export interface AgentHealth {
  readonly agent: string;
  readonly cluster: string;
  readonly node: string;
  readonly at: number;
  readonly version: string;
  readonly bootId: string;
  /** Sequence numbers given out. */
  readonly emitted: number;
  /** Acknowledged by the broker. */
  readonly delivered: number;
  /** Held, neither delivered nor dropped. */
  readonly spooled: number;
  /** By reason. */
  readonly dropped: Readonly<Record<string, number>>;
  readonly counters: Readonly<Record<string, number>>;
}
export type AgentHealthInput = Defaulted<AgentHealth, 'bootId' | 'spooled' | 'dropped' | 'counters'>;

/** An event that a rule audited or denied. Exactly one of execution, file, network, capability, syscall is set. It is not repeated on the events topics, so it is never learned. */
export interface Alert {
  readonly origin: Origin;
  readonly time: number;
  readonly container: Container;
  readonly process: Process | null;
  readonly execution: Execution | null;
  readonly file: FileAccess | null;
  readonly network: NetworkAccess | null;
  readonly capability: CapabilityUse | null;
  readonly syscall: SyscallUse | null;
  readonly verdict: Verdict;
  readonly rule: RuleRef;
  /** 1 (least) to 10, from the rule. */
  readonly severity: number;
  readonly tags: readonly string[];
  readonly message: string;
  /** How many further hits of the same rule this alert stands for. */
  readonly suppressed: number;
}
export type AlertInput = Defaulted<Alert, 'process' | 'execution' | 'file' | 'network' | 'capability' | 'syscall' | 'severity' | 'tags' | 'message' | 'suppressed'>;

/** One thing a container does. (operation, object, source, transport, port, peer, http) is its identity. */
export interface Behaviour {
  readonly operation: BehaviourOperation;
  /** Path, capability, syscall, DNS name or ICMP type; empty for other network. */
  readonly object: string;
  /** The acting executable. */
  readonly source: string;
  readonly transport: Transport;
  /** The server's port. */
  readonly port: number;
  readonly peer: Peer | null;
  readonly http: HttpRequest | null;
  readonly evidence: Evidence;
}
export type BehaviourInput = Defaulted<Behaviour, 'object' | 'source' | 'transport' | 'port' | 'peer' | 'http'>;

export type BehaviourOperation = 'EXEC' | 'FILE_READ' | 'FILE_WRITE' | 'CONNECT' | 'ACCEPT' | 'BIND' | 'SEND' | 'CAPABILITY' | 'SYSCALL' | 'DNS' | 'SOCKET';

/** All that one container of a workload was seen doing. The latest record of a key is the whole state. */
export interface BehaviourProfile {
  readonly cluster: string;
  readonly namespace: string;
  readonly workloadKind: string;
  readonly workload: string;
  readonly container: string;
  /** The owner's spec.selector, else the pod's stable labels. */
  readonly selector: Readonly<Record<string, string>>;
  readonly images: readonly string[];
  /** Sorted by identity. */
  readonly behaviours: readonly Behaviour[];
  /** Minutes since the epoch in which something it did was denied or audited, sorted; the latest 1,024. */
  readonly alerts: readonly number[];
}
export type BehaviourProfileInput = Defaulted<BehaviourProfile, 'selector' | 'images' | 'alerts'>;

/** A process used a capability. */
export interface CapabilityEvent {
  readonly origin: Origin;
  /** Event time: when the kernel or the reporting system saw it. */
  readonly time: number;
  readonly container: Container;
  readonly process: Process | null;
  readonly capability: CapabilityUse;
  readonly verdict: Verdict;
}
export type CapabilityEventInput = Defaulted<CapabilityEvent, 'process' | 'verdict'>;

export interface CapabilityUse {
  /** Lower case without cap_, as in policies: net_raw, sys_ptrace. */
  readonly capability: string;
}
export type CapabilityUseInput = CapabilityUse;

/** One record of a topic in a capture file (Avro object container). Read by sluice discover, written by sluice record. */
export interface CapturedRecord {
  /** Without the tenant prefix. */
  readonly topic: string;
  readonly partition: number;
  readonly offset: number;
  readonly timestamp: number;
  readonly key: string | null;
  readonly value: { readonly 'sluice.v1.ProcessEvent': ProcessEvent } | { readonly 'sluice.v1.FileEvent': FileEvent } | { readonly 'sluice.v1.NetworkEvent': NetworkEvent } | { readonly 'sluice.v1.DnsEvent': DnsEvent } | { readonly 'sluice.v1.CapabilityEvent': CapabilityEvent } | { readonly 'sluice.v1.SyscallEvent': SyscallEvent } | { readonly 'sluice.v1.Alert': Alert } | { readonly 'sluice.v1.EntityChange': EntityChange } | null;
}
export type CapturedRecordInput = Defaulted<CapturedRecord, 'key'>;

/** Whose event it is. The emitting agent fills what it knows at the time of the event; an empty string means not known, an empty id means the host. */
export interface Container {
  /** Runtime container id, without scheme. */
  readonly id: string;
  readonly name: string;
  readonly image: string;
  readonly namespace: string;
  readonly pod: string;
  readonly podUid: string;
  /** Kind of the top owner: Deployment, StatefulSet, DaemonSet, Job, CronJob, or Pod when bare. */
  readonly workloadKind: string;
  /** Name of the top owner. */
  readonly workload: string;
}
export type ContainerInput = Defaulted<Container, 'name' | 'image' | 'namespace' | 'pod' | 'podUid' | 'workloadKind' | 'workload'>;

/** A record that could not be used, byte for byte, with where it came from and why. */
export interface DeadLetter {
  readonly topic: string;
  readonly partition: number;
  readonly offset: number;
  readonly timestamp: number;
  readonly key: Buffer | null;
  readonly value: Buffer | null;
  readonly headers: Readonly<Record<string, Buffer>>;
  readonly application: string;
  readonly stage: FailureStage;
  /** Code of the error catalogue. */
  readonly code: string;
  readonly message: string;
}
export type DeadLetterInput = Defaulted<DeadLetter, 'key' | 'value' | 'headers'>;

export type Direction = 'NONE' | 'INGRESS' | 'EGRESS';

export interface DnsAnswer {
  /** Lower case, without the trailing dot. */
  readonly query: string;
  readonly addresses: readonly string[];
  readonly ttlSeconds: number;
  readonly serverAddress: string;
  readonly responseCode: number;
  /** What the agent tells of who answered; null: its address only. */
  readonly server: Endpoint | null;
}
export type DnsAnswerInput = Defaulted<DnsAnswer, 'addresses' | 'ttlSeconds' | 'serverAddress' | 'responseCode' | 'server'>;

/** A DNS answer reached a workload. */
export interface DnsEvent {
  readonly origin: Origin;
  /** Event time: when the kernel or the reporting system saw it. */
  readonly time: number;
  readonly container: Container;
  readonly process: Process | null;
  readonly dns: DnsAnswer;
  readonly verdict: Verdict;
}
export type DnsEventInput = Defaulted<DnsEvent, 'process' | 'verdict'>;

/** The other side of a connection, when the emitting agent knows more of it than its address (Hubble does). */
export interface Endpoint {
  readonly namespace: string;
  readonly pod: string;
  readonly labels: Readonly<Record<string, string>>;
  /** Reserved identity: world, host, remote-node, kube-apiserver, … */
  readonly entity: string;
  readonly dnsNames: readonly string[];
}
export type EndpointInput = Defaulted<Endpoint, 'namespace' | 'pod' | 'labels' | 'entity' | 'dnsNames'>;

export interface EndpointSliceProjection {
  readonly service: string;
  readonly addresses: readonly string[];
  readonly ports: readonly number[];
  /** Number in the pods by the name of the Service's port; empty name: its only one. */
  readonly portsByName: Readonly<Record<string, number>>;
}
export type EndpointSliceProjectionInput = Defaulted<EndpointSliceProjection, 'service' | 'addresses' | 'ports' | 'portsByName'>;

/** One change of a Kubernetes object, projected to what identity and policies need. Exactly one projection is set, also on DELETED (the last known). */
export interface EntityChange {
  readonly cluster: string;
  /** Kubernetes kind: Pod, Service, EndpointSlice, Namespace, Node, Deployment, … */
  readonly kind: string;
  readonly namespace: string;
  readonly name: string;
  readonly uid: string;
  readonly resourceVersion: string;
  readonly op: EntityOp;
  readonly observedAt: number;
  /** list, watch, resync, or restart. */
  readonly cause: string;
  readonly pod: PodProjection | null;
  readonly service: ServiceProjection | null;
  readonly endpointSlice: EndpointSliceProjection | null;
  readonly workload: WorkloadProjection | null;
  readonly node: NodeProjection | null;
  readonly namespaceObject: NamespaceProjection | null;
}
export type EntityChangeInput = Defaulted<EntityChange, 'namespace' | 'resourceVersion' | 'cause' | 'pod' | 'service' | 'endpointSlice' | 'workload' | 'node' | 'namespaceObject'>;

export type EntityOp = 'ADDED' | 'MODIFIED' | 'DELETED';

/** How often and where a behaviour was seen. A join-semilattice: merging is commutative, associative and idempotent, so order, duplicates and partitioning do not change it. */
export interface Evidence {
  /** Distinct events: exact up to 8, an estimate of the sketch beyond. */
  readonly count: number;
  readonly firstSeen: number;
  readonly lastSeen: number;
  /** Pods that showed it, sorted; the smallest 16. */
  readonly replicas: readonly string[];
  /** Days since the epoch (UTC) on which it was seen, sorted; the latest 31. */
  readonly days: readonly number[];
  /** Up to 8 hashes of event ids (their 32 leading bits), sorted; or four numbers below 0, which are 32 registers of HyperLogLog. Before: up to 32 hashes of 53 bits. */
  readonly sketch: readonly number[];
  /** The events of the 2 smallest hashes. */
  readonly samples: readonly Sample[];
}
export type EvidenceInput = Defaulted<Evidence, 'replicas' | 'days' | 'sketch' | 'samples'>;

/** Records of a topic it was judged on, both ends included. */
export interface EvidenceRange {
  readonly topic: string;
  readonly partition: number;
  readonly fromOffset: number;
  readonly toOffset: number;
}
export type EvidenceRangeInput = EvidenceRange;

export interface Execution {
  /** The file being executed, inside its mount namespace. For a script this event and the interpreter's are two events. */
  readonly path: string;
  readonly args: readonly string[];
}
export type ExecutionInput = Defaulted<Execution, 'args'>;

export type FailureStage = 'RECEIVING' | 'PROCESSING' | 'SENDING';

export interface FileAccess {
  readonly operation: FileOperation;
  readonly path: string;
  /** Second path of a rename or link. */
  readonly targetPath: string;
  readonly read: boolean;
  /** Opened for writing, appending or truncating, or the object was changed. */
  readonly write: boolean;
}
export type FileAccessInput = Defaulted<FileAccess, 'targetPath' | 'read' | 'write'>;

/** A process opened or changed a file. */
export interface FileEvent {
  readonly origin: Origin;
  /** Event time: when the kernel or the reporting system saw it. */
  readonly time: number;
  readonly container: Container;
  readonly process: Process | null;
  readonly file: FileAccess;
  readonly verdict: Verdict;
}
export type FileEventInput = Defaulted<FileEvent, 'process' | 'verdict'>;

export type FileOperation = 'OTHER' | 'OPEN' | 'CREATE' | 'TRUNCATE' | 'UNLINK' | 'RENAME' | 'LINK' | 'SYMLINK' | 'MKDIR' | 'RMDIR' | 'MKNOD' | 'CHMOD' | 'CHOWN' | 'MOUNT';

/** DRIFT: something is done that the policy does not admit. STALE: a rule of which nothing was seen for long. DENIAL_SPIKE: many denials in a short time. */
export type FindingType = 'DRIFT' | 'STALE' | 'DENIAL_SPIKE';

/** Flows between two peers within one window, as one of the two ends told them. */
export interface FlowAggregate {
  readonly windowStart: number;
  readonly windowEnd: number;
  readonly cluster: string;
  readonly source: Peer;
  readonly destination: Peer;
  readonly transport: Transport;
  readonly port: number;
  readonly verdict: Verdict;
  /** Which end told them: where both do, each flow is in two aggregates. */
  readonly reporter: Reporter;
  /** Connections opened, or datagrams to a peer, not requests on them. */
  readonly flows: number;
  /** 0: not told. */
  readonly bytes: number;
}
export type FlowAggregateInput = Defaulted<FlowAggregate, 'verdict' | 'reporter' | 'bytes'>;

export interface HttpRequest {
  readonly method: string;
  readonly path: string;
  readonly host: string;
}
export type HttpRequestInput = Defaulted<HttpRequest, 'host'>;

export interface NamespaceProjection {
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
}
export type NamespaceProjectionInput = Defaulted<NamespaceProjection, 'labels' | 'annotations'>;

export interface NetworkAccess {
  readonly operation: NetworkOperation;
  readonly direction: Direction;
  readonly transport: Transport;
  readonly localAddress: string;
  readonly localPort: number;
  /** IPv4 dotted or IPv6 in RFC 5952 form; IPv4-mapped addresses are written as IPv4. */
  readonly remoteAddress: string;
  readonly remotePort: number;
  readonly icmpType: number | null;
  readonly remote: Endpoint | null;
  readonly http: HttpRequest | null;
}
export type NetworkAccessInput = Defaulted<NetworkAccess, 'localAddress' | 'localPort' | 'remoteAddress' | 'remotePort' | 'icmpType' | 'remote' | 'http'>;

/** A process connected, accepted, bound or sent, or a flow was seen. */
export interface NetworkEvent {
  readonly origin: Origin;
  /** Event time: when the kernel or the reporting system saw it. */
  readonly time: number;
  readonly container: Container;
  readonly process: Process | null;
  readonly network: NetworkAccess;
  readonly verdict: Verdict;
}
export type NetworkEventInput = Defaulted<NetworkEvent, 'process' | 'verdict'>;

export type NetworkOperation = 'OTHER' | 'SOCKET' | 'CONNECT' | 'ACCEPT' | 'BIND' | 'LISTEN' | 'SEND' | 'FLOW';

export interface NodeProjection {
  readonly labels: Readonly<Record<string, string>>;
  readonly addresses: readonly string[];
  /** CIDRs its pods' addresses come from; empty: not told. */
  readonly podRanges: readonly string[];
}
export type NodeProjectionInput = Defaulted<NodeProjection, 'labels' | 'addresses' | 'podRanges'>;

/** Where an event was born. (cluster, node, agent, bootId, sequence) is unique for ever: it is the event id, the key of de-duplication and the proof of loss. */
export interface Origin {
  readonly cluster: string;
  readonly node: string;
  /** The emitting agent: enforcer, feeder/kubearmor, feeder/hubble, feeder/sysflow. */
  readonly agent: string;
  /** One counting run of the sequence: the kernel boot id for the enforcer, the session or file id for a feeder. */
  readonly bootId: string;
  /** Counts up by one per event within bootId; a gap is a counted loss. */
  readonly sequence: number;
}
export type OriginInput = Origin;

/** Who is on the other side, resolved at event time. */
export interface Peer {
  readonly type: PeerType;
  readonly namespace: string;
  readonly workloadKind: string;
  readonly workload: string;
  /** The owner's spec.selector, else the pod's stable labels. */
  readonly selector: Readonly<Record<string, string>>;
  /** ADDRESS: CIDR; ENTITY: reserved name; FQDN: name. */
  readonly value: string;
}
export type PeerInput = Defaulted<Peer, 'namespace' | 'workloadKind' | 'workload' | 'selector' | 'value'>;

export type PeerType = 'ADDRESS' | 'WORKLOAD' | 'ENTITY' | 'FQDN';

export interface PodContainer {
  readonly name: string;
  /** Runtime id without scheme; empty until it runs. */
  readonly id: string;
  readonly image: string;
  readonly startedAt: number | null;
  readonly finishedAt: number | null;
}
export type PodContainerInput = Defaulted<PodContainer, 'id' | 'image' | 'startedAt' | 'finishedAt'>;

export interface PodProjection {
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
  readonly node: string;
  readonly addresses: readonly string[];
  readonly hostNetwork: boolean;
  readonly hostPid: boolean;
  readonly phase: string;
  readonly serviceAccount: string;
  /** Kind of the top owner; Pod when bare. */
  readonly ownerKind: string;
  readonly owner: string;
  readonly startedAt: number | null;
  readonly containers: readonly PodContainer[];
}
export type PodProjectionInput = Defaulted<PodProjection, 'labels' | 'annotations' | 'node' | 'addresses' | 'hostNetwork' | 'hostPid' | 'phase' | 'serviceAccount' | 'ownerKind' | 'owner' | 'startedAt' | 'containers'>;

/** One version of the policy of one target. digest covers target and documents only, so it does not depend on when or in which order the evidence arrived. */
export interface Policy {
  /** cluster/namespace/kind/workload, or the name of a hand-written policy. */
  readonly policyId: string;
  /** Counts up by one per record of this policy id. */
  readonly generation: number;
  /** sha256:<hex> over the canonical JSON of {target, documents}. */
  readonly digest: string;
  /** digest of the generation before; empty at the first. */
  readonly prevDigest: string;
  readonly stage: Stage;
  readonly target: PolicyTarget;
  readonly documents: readonly PolicyDocument[];
  readonly rules: readonly PolicyRule[];
  /** What was seen and could not be expressed; never widened into a rule. */
  readonly losses: readonly string[];
  /** As of this record; not part of the digest. */
  readonly confidence: PolicyConfidence | null;
  readonly signature: string | null;
}
export type PolicyInput = Defaulted<Policy, 'prevDigest' | 'rules' | 'losses' | 'confidence' | 'signature'>;

/** Somebody's word that exactly this content may reach a stage. It is bound to the digest: another content needs another approval. */
export interface PolicyApproval {
  readonly policyId: string;
  readonly digest: string;
  /** The stage it may reach, and every one before it. */
  readonly stage: Stage;
  readonly at: number;
  /** The principal. */
  readonly by: string;
  readonly reason: string;
}
export type PolicyApprovalInput = Defaulted<PolicyApproval, 'reason'>;

/** How far what was learned can be trusted to be all of it. */
export interface PolicyConfidence {
  /** Distinct behaviours seen. */
  readonly behaviours: number;
  /** Events behind them. */
  readonly events: number;
  /** Counted as lost before they could be learned. */
  readonly lostEvents: number;
  /** Estimated probability that the next event shows a behaviour that was not seen, from 0 to 1 (Good and Turing). */
  readonly unseenMass: number;
  readonly replicas: number;
  readonly days: number;
  /** From 0 to 1: (1 - unseenMass) x the share of events that was not lost. */
  readonly confidence: number;
}
export type PolicyConfidenceInput = Defaulted<PolicyConfidence, 'lostEvents'>;

export interface PolicyDocument {
  readonly apiVersion: string;
  readonly kind: string;
  readonly name: string;
  /** The object as canonical JSON. */
  readonly content: string;
}
export type PolicyDocumentInput = PolicyDocument;

/** Something about a policy that a human should look at. Nothing follows from it by itself. */
export interface PolicyFinding {
  readonly policyId: string;
  readonly generation: number;
  readonly digest: string;
  readonly type: FindingType;
  /** The rule it is about; empty when no rule speaks of it. */
  readonly ruleId: string;
  /** What was found, in words. */
  readonly summary: string;
  /** Events behind it. */
  readonly count: number;
  readonly firstSeen: number;
  readonly lastSeen: number;
  /** Some of the events. */
  readonly samples: readonly Sample[];
  readonly at: number;
}
export type PolicyFindingInput = Defaulted<PolicyFinding, 'ruleId' | 'count' | 'samples'>;

export interface PolicyRule {
  readonly ruleId: string;
  /** Name of the document that holds it. */
  readonly document: string;
  readonly summary: string;
  /** Distinct objects seen that it admits. */
  readonly observed: number;
  readonly evidence: Evidence | null;
  /** What it admits that was not seen, in words; empty when that is nothing. */
  readonly admits: string;
  /** How many objects it admits that were not seen; -1 when they cannot be counted. */
  readonly unseen: number;
}
export type PolicyRuleInput = Defaulted<PolicyRule, 'observed' | 'evidence' | 'admits' | 'unseen'>;

export type PolicyState = 'PENDING' | 'APPLIED' | 'ADOPTED' | 'REJECTED' | 'REMOVED';

/** What one node does with one policy. */
export interface PolicyStatus {
  readonly policyId: string;
  readonly cluster: string;
  readonly node: string;
  readonly generation: number;
  readonly digest: string;
  readonly state: PolicyState;
  /** Why it was rejected, naming the field and the mend; of one in force, which documents others enforce. */
  readonly reason: string;
  /** Kernel rules in force for it. */
  readonly rules: number;
  /** Container ids it is in force on. */
  readonly containers: readonly string[];
  readonly at: number;
}
export type PolicyStatusInput = Defaulted<PolicyStatus, 'reason' | 'rules' | 'containers'>;

export interface PolicyTarget {
  readonly cluster: string;
  readonly namespace: string;
  readonly workloadKind: string;
  readonly workload: string;
  readonly selector: Readonly<Record<string, string>>;
}
export type PolicyTargetInput = Defaulted<PolicyTarget, 'namespace' | 'workloadKind' | 'workload' | 'selector'>;

export interface PolicyTransition {
  readonly policyId: string;
  readonly generation: number;
  readonly digest: string;
  readonly from: Stage;
  readonly to: Stage;
  readonly at: number;
  /** The principal or the rule of automation. */
  readonly by: string;
  readonly reason: string;
  /** digest of the generation before; empty at the first. */
  readonly prevDigest: string;
  /** Events that the policy would have denied in what it was judged on; -1 when it was not judged. */
  readonly wouldDeny: number;
  readonly evidence: readonly EvidenceRange[];
}
export type PolicyTransitionInput = Defaulted<PolicyTransition, 'reason' | 'prevDigest' | 'wouldDeny' | 'evidence'>;

/** The acting process, as the kernel saw it at the time of the event. */
export interface Process {
  /** Thread group id in the initial pid namespace. */
  readonly pid: number;
  readonly parentPid: number;
  /** Real uid in the initial user namespace. */
  readonly uid: number;
  readonly gid: number;
  /** Path of the running executable inside its mount namespace; for an exec, the caller's. */
  readonly executable: string;
  readonly parentExecutable: string;
  readonly comm: string;
}
export type ProcessInput = Defaulted<Process, 'parentPid' | 'uid' | 'gid' | 'parentExecutable' | 'comm'>;

/** A process executed a file. */
export interface ProcessEvent {
  readonly origin: Origin;
  /** Event time: when the kernel or the reporting system saw it. */
  readonly time: number;
  readonly container: Container;
  readonly process: Process | null;
  readonly execution: Execution;
  readonly verdict: Verdict;
}
export type ProcessEventInput = Defaulted<ProcessEvent, 'process' | 'verdict'>;

export type Reporter = 'SOURCE' | 'DESTINATION';

/** The one rule behind a verdict, as the kernel's rule table holds it; never derived afterwards. */
export interface RuleRef {
  readonly policyId: string;
  readonly ruleId: string;
  /** Generation of the policy that was in force. */
  readonly generation: number;
}
export type RuleRefInput = RuleRef;

/** One event, and where it stands in its topic. */
export interface Sample {
  readonly origin: Origin;
  readonly topic: string;
  readonly partition: number;
  readonly offset: number;
}
export type SampleInput = Sample;

export interface ServicePort {
  readonly name: string;
  readonly transport: Transport;
  readonly port: number;
  /** Number or container port name. */
  readonly targetPort: string;
  readonly nodePort: number;
}
export type ServicePortInput = Defaulted<ServicePort, 'name' | 'targetPort' | 'nodePort'>;

export interface ServiceProjection {
  readonly labels: Readonly<Record<string, string>>;
  readonly type: string;
  /** ClusterIPs and external IPs. */
  readonly addresses: readonly string[];
  readonly selector: Readonly<Record<string, string>>;
  readonly ports: readonly ServicePort[];
}
export type ServiceProjectionInput = Defaulted<ServiceProjection, 'labels' | 'type' | 'addresses' | 'selector' | 'ports'>;

/** Where a policy stands between being learned and being enforced. */
export type Stage = 'LEARNING' | 'CANDIDATE' | 'SHADOW' | 'AUDIT' | 'CANARY' | 'ENFORCE' | 'RETIRED';

/** A process made a system call that policies name. */
export interface SyscallEvent {
  readonly origin: Origin;
  /** Event time: when the kernel or the reporting system saw it. */
  readonly time: number;
  readonly container: Container;
  readonly process: Process | null;
  readonly syscall: SyscallUse;
  readonly verdict: Verdict;
}
export type SyscallEventInput = Defaulted<SyscallEvent, 'process' | 'verdict'>;

export interface SyscallUse {
  /** Linux name without prefix: ptrace, mount. */
  readonly syscall: string;
  /** What it acted on: the tracee's executable for ptrace, the path for mount. */
  readonly object: string;
}
export type SyscallUseInput = Defaulted<SyscallUse, 'object'>;

export type Transport = 'OTHER' | 'TCP' | 'UDP' | 'SCTP' | 'ICMP' | 'ICMPV6' | 'RAW' | 'UNIX';

/** What the rule table said: allow, audit (let through and tell), deny. */
export type Verdict = 'ALLOW' | 'AUDIT' | 'DENY';

/** Deployment, ReplicaSet, StatefulSet, DaemonSet, Job, CronJob. */
export interface WorkloadProjection {
  readonly labels: Readonly<Record<string, string>>;
  /** spec.selector.matchLabels. */
  readonly selector: Readonly<Record<string, string>>;
  readonly ownerKind: string;
  readonly owner: string;
  readonly replicas: number;
}
export type WorkloadProjectionInput = Defaulted<WorkloadProjection, 'labels' | 'selector' | 'ownerKind' | 'owner' | 'replicas'>;

/** Record name → its type. */
export interface Records {
  AgentHealth: AgentHealth;
  Alert: Alert;
  Behaviour: Behaviour;
  BehaviourProfile: BehaviourProfile;
  CapabilityEvent: CapabilityEvent;
  CapabilityUse: CapabilityUse;
  CapturedRecord: CapturedRecord;
  Container: Container;
  DeadLetter: DeadLetter;
  DnsAnswer: DnsAnswer;
  DnsEvent: DnsEvent;
  Endpoint: Endpoint;
  EndpointSliceProjection: EndpointSliceProjection;
  EntityChange: EntityChange;
  Evidence: Evidence;
  EvidenceRange: EvidenceRange;
  Execution: Execution;
  FileAccess: FileAccess;
  FileEvent: FileEvent;
  FlowAggregate: FlowAggregate;
  HttpRequest: HttpRequest;
  NamespaceProjection: NamespaceProjection;
  NetworkAccess: NetworkAccess;
  NetworkEvent: NetworkEvent;
  NodeProjection: NodeProjection;
  Origin: Origin;
  Peer: Peer;
  PodContainer: PodContainer;
  PodProjection: PodProjection;
  Policy: Policy;
  PolicyApproval: PolicyApproval;
  PolicyConfidence: PolicyConfidence;
  PolicyDocument: PolicyDocument;
  PolicyFinding: PolicyFinding;
  PolicyRule: PolicyRule;
  PolicyStatus: PolicyStatus;
  PolicyTarget: PolicyTarget;
  PolicyTransition: PolicyTransition;
  Process: Process;
  ProcessEvent: ProcessEvent;
  RuleRef: RuleRef;
  Sample: Sample;
  ServicePort: ServicePort;
  ServiceProjection: ServiceProjection;
  SyscallEvent: SyscallEvent;
  SyscallUse: SyscallUse;
  WorkloadProjection: WorkloadProjection;
}

/** Record name → what must be given to make one: fields with a default may be left out. */
export interface RecordInputs {
  AgentHealth: AgentHealthInput;
  Alert: AlertInput;
  Behaviour: BehaviourInput;
  BehaviourProfile: BehaviourProfileInput;
  CapabilityEvent: CapabilityEventInput;
  CapabilityUse: CapabilityUseInput;
  CapturedRecord: CapturedRecordInput;
  Container: ContainerInput;
  DeadLetter: DeadLetterInput;
  DnsAnswer: DnsAnswerInput;
  DnsEvent: DnsEventInput;
  Endpoint: EndpointInput;
  EndpointSliceProjection: EndpointSliceProjectionInput;
  EntityChange: EntityChangeInput;
  Evidence: EvidenceInput;
  EvidenceRange: EvidenceRangeInput;
  Execution: ExecutionInput;
  FileAccess: FileAccessInput;
  FileEvent: FileEventInput;
  FlowAggregate: FlowAggregateInput;
  HttpRequest: HttpRequestInput;
  NamespaceProjection: NamespaceProjectionInput;
  NetworkAccess: NetworkAccessInput;
  NetworkEvent: NetworkEventInput;
  NodeProjection: NodeProjectionInput;
  Origin: OriginInput;
  Peer: PeerInput;
  PodContainer: PodContainerInput;
  PodProjection: PodProjectionInput;
  Policy: PolicyInput;
  PolicyApproval: PolicyApprovalInput;
  PolicyConfidence: PolicyConfidenceInput;
  PolicyDocument: PolicyDocumentInput;
  PolicyFinding: PolicyFindingInput;
  PolicyRule: PolicyRuleInput;
  PolicyStatus: PolicyStatusInput;
  PolicyTarget: PolicyTargetInput;
  PolicyTransition: PolicyTransitionInput;
  Process: ProcessInput;
  ProcessEvent: ProcessEventInput;
  RuleRef: RuleRefInput;
  Sample: SampleInput;
  ServicePort: ServicePortInput;
  ServiceProjection: ServiceProjectionInput;
  SyscallEvent: SyscallEventInput;
  SyscallUse: SyscallUseInput;
  WorkloadProjection: WorkloadProjectionInput;
}
