/** What rules admit before they have a form: what documents are compared with in tests, and so as plain as it can be. */

import { selectsLabels } from '#policy';
import type { Peer } from '#schemas';
import type { Access } from './access.ts';
import { isNamed } from './decide-cilium.ts';
import type { EmitterName } from './make-policy.ts';
import type { PeerRule } from './network-ir.ts';
import { decider } from './path-decision.ts';
import type { WorkloadPolicy } from './policy-ir.ts';

/** By the rules that documents of an emitter stand for: those of containers, or those of the network. */
export function isAdmittedByRules(policy: WorkloadPolicy, access: Access, emit: EmitterName): boolean {
  return emit === 'kubearmor' ? byContainer(policy, access) : byNetwork(policy, access, emit);
}

function byContainer({ containers }: WorkloadPolicy, access: Access): boolean {
  const { operation, object, transport, actor } = access;
  const container = containers.find(each => !('container' in actor) || each.container === actor.container)!;
  switch (operation) {
    case 'EXEC':
      return container.executables.some(({ path }) => path === object || `${path}/` === object);
    case 'FILE_READ':
    case 'FILE_WRITE': {
      const rule = decider(new Map(container.files.map(each => [each.path, each])), object);
      return rule !== undefined && !(operation === 'FILE_WRITE' && rule.readOnly);
    }
    case 'CAPABILITY':
      return container.capabilities.some(({ capability }) => capability === object);
    case 'SYSCALL':
      if (object === 'ptrace') return container.traces;
  }
  return container.transports.some(each => each.transport === transport);
}

function byNetwork({ network, workloadKind }: WorkloadPolicy, access: Access, emit: EmitterName): boolean {
  const rules = (access.operation === 'ACCEPT' ? network?.ingress : network?.egress) ?? [];
  return rules.some(rule => {
    // Cilium refuses requests for nodes: such a rule is left out.
    if (workloadKind === 'Node' && rule.http.length > 0) return false;
    const isAddress = emit === 'kubernetes' && rule.addresses.includes(access.peer?.value ?? '');
    return isOfPort(rule, access) && (isAddress || isOfPeer(rule.peer, access)) && isAskedFor(rule, access);
  });
}

function isOfPort({ transport, port, icmpType }: PeerRule, access: Access): boolean {
  if (transport !== access.transport) return false;
  return icmpType === null ? port === access.port : String(icmpType) === access.object;
}

function isOfPeer({ type, namespace, selector, value }: Peer, { peer, names = [] }: Access): boolean {
  if (!peer) return false;
  if (type === 'WORKLOAD')
    return (
      peer.type === 'WORKLOAD' &&
      peer.namespace === namespace &&
      selectsLabels({ matchLabels: selector }, peer.selector)
    );
  if (type === 'ADDRESS') return peer.type === 'ADDRESS' && peer.value === value;
  if (type === 'FQDN') {
    const match = matchOf(value);
    return [...names, ...(peer.type === 'FQDN' ? [peer.value] : [])].some(name => isNamed(match, name));
  }
  if (peer.type === 'ENTITY')
    return peer.value === value || (value === 'remote-node' && peer.value === 'kube-apiserver');
  return value === 'world' && (peer.type === 'ADDRESS' || peer.type === 'FQDN');
}

/** A connection may be made wherever something may be asked for on it. */
function isAskedFor({ http, dns }: PeerRule, access: Access): boolean {
  if (access.http && http.length > 0) {
    const { method, path } = access.http;
    return http.some(
      each => new RegExp(`^(?:${each.method})$`).test(method) && new RegExp(`^(?:${each.path})$`).test(path),
    );
  }
  if (access.operation !== 'DNS' || dns.length === 0) return true;
  return dns.some(({ name }) => isNamed(matchOf(name), access.object));
}

function matchOf(name: string) {
  const plain = name.toLowerCase();
  return plain.includes('*') ? { name: null, pattern: plain } : { name: plain, pattern: null };
}
