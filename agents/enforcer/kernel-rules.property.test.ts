import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type AddressPrefix, contains, parsePrefix } from './address.ts';
import { eventClass } from './kernel-event.ts';
import { decideCode, decidePath, decidePeer } from './kernel-model.ts';
import { type ContainerRules, compileRules } from './kernel-rules.ts';
import type { PathRule } from './path-rules.ts';
import type { PeerRule } from './peer-rules.ts';
import { posture, type RuleName, type Ruling, ruling, strictest } from './ruling.ts';

const nothing = { rules: [], posture: undefined };
const unrestricted: ContainerRules = {
  process: nothing,
  file: nothing,
  socket: nothing,
  syscall: nothing,
  egress: nothing,
  ingress: nothing,
};

const nameOf = (ruleId: string): RuleName => ({ policyId: 'p', ruleId, generation: 3, severity: 5 });
const defaultOf = (kind: string) => posture(nameOf(`${kind}/default`), 'enforce');

const part = fc.constantFrom('a', 'b', 'ab');
const path = fc.array(part, { minLength: 1, maxLength: 4 }).map(parts => `/${parts.join('/')}`);
const directory = fc
  .array(part, { maxLength: 3 })
  .map(parts => (parts.length > 0 ? `/${parts.join('/')}/` : '/'));
const anyRuling = fc
  .record({
    action: fc.constantFrom('Allow' as const, 'Audit' as const, 'Block' as const),
    force: fc.constantFrom('enforce' as const, 'audit' as const),
    readOnly: fc.boolean(),
    id: fc.nat(20),
  })
  .map(({ id, ...rest }) => ruling({ ...rest, name: nameOf(`file/${id}`) }));
const pathRule: fc.Arbitrary<PathRule> = fc.oneof(
  fc.record({ path, recursive: fc.constant(false), ruling: anyRuling }),
  fc.record({ path: directory, recursive: fc.boolean(), ruling: anyRuling }),
);

/** Straight from the rules: the most specific place that matches, and there the strictest. */
function evaluatePath(rules: readonly PathRule[], asked: string, otherwise: Ruling | undefined) {
  const parent = asked.slice(0, asked.replace(/\/$/, '').lastIndexOf('/') + 1);
  const matching = rules.filter(({ path: at, recursive }) => {
    if (!at.endsWith('/')) return at === asked || `${at}/` === asked;
    return recursive ? asked.startsWith(at) : at === parent || at === asked;
  });
  if (matching.length === 0) return otherwise;
  const rank = ({ path: at }: PathRule) => (at.endsWith('/') ? at.length : Number.POSITIVE_INFINITY);
  const most = Math.max(...matching.map(rank));
  return strictest(matching.filter(rule => rank(rule) === most).map(rule => rule.ruling));
}

describe('what the kernel decides', () => {
  it('about files and directories is what the rules say', () => {
    const access = fc.constantFrom('read' as const, 'write' as const);
    fc.assert(
      fc.property(
        fc.array(pathRule, { maxLength: 10 }),
        fc.oneof(path, directory),
        access,
        fc.boolean(),
        (rules, asked, how, allowList) => {
          const otherwise = allowList ? defaultOf('file') : undefined;
          const compiled = compileRules({ ...unrestricted, file: { rules, posture: otherwise } });
          const decided = decidePath(compiled, { kernelClass: eventClass.file, path: asked, access: how });
          const expected = evaluatePath(rules, asked, otherwise);
          expect(decided.verdict).toBe(expected?.[how] ?? 'ALLOW');
          expect(decided.name?.ruleId).toBe(expected?.name.ruleId);
        },
      ),
      { numRuns: 2000 },
    );
  });

  it('about peers is admission by any rule, else the posture', () => {
    const cidr = fc
      .tuple(
        fc.constantFrom('10.0.0.', '10.0.1.', '11.0.0.'),
        fc.integer({ min: 0, max: 7 }),
        fc.constantFrom(8, 24, 30, 31, 32),
      )
      .map(([net, host, bits]) => parsePrefix(`${net}${host}/${bits}`));
    const block = fc.record({
      prefix: fc.oneof(cidr, fc.constant(parsePrefix('0.0.0.0/0'))),
      except: fc.array(cidr, { maxLength: 2 }),
    });
    const port = fc.record({ transport: fc.constantFrom(1, 2), port: fc.constantFrom(0, 80, 443) });
    const peerRule: fc.Arbitrary<PeerRule> = fc.record({
      ruling: fc.nat(9).map(n => ruling({ name: nameOf(`egress/${n}`), action: 'Allow', force: 'enforce' })),
      blocks: fc.array(block, { minLength: 1, maxLength: 3 }),
      ports: fc.array(port, { maxLength: 2 }),
    });
    const asked = fc.record({
      transport: fc.constantFrom(1, 2, 4),
      port: fc.constantFrom(80, 443, 5000),
      address: fc
        .tuple(fc.constantFrom('10.0.0.', '10.0.1.', '11.0.0.', '12.0.0.'), fc.integer({ min: 0, max: 7 }))
        .map(([net, host]) => parsePrefix(net + host)),
    });
    const admits = (rule: PeerRule, peer: { transport: number; port: number; address: AddressPrefix }) =>
      rule.blocks.some(
        each =>
          contains(each.prefix, peer.address) && !each.except.some(except => contains(except, peer.address)),
      ) &&
      (rule.ports.length === 0 ||
        rule.ports.some(at => at.transport === peer.transport && (at.port === 0 || at.port === peer.port)));
    fc.assert(
      fc.property(fc.array(peerRule, { maxLength: 5 }), asked, (rules, peer) => {
        const compiled = compileRules({ ...unrestricted, egress: { rules, posture: defaultOf('egress') } });
        const decided = decidePeer(compiled, { direction: 'egress', ...peer, address: peer.address.value });
        const admitting = rules.filter(rule => admits(rule, peer)).map(rule => rule.ruling.name.ruleId);
        expect(decided.verdict).toBe(admitting.length > 0 ? 'ALLOW' : 'DENY');
        if (admitting.length > 0) expect(admitting).toContain(decided.name?.ruleId);
        else expect(decided.name?.ruleId).toBe('egress/default');
      }),
      { numRuns: 2000 },
    );
  });

  it('about sockets and system calls is the strictest rule of the code, else the posture', () => {
    const block = ruling({ name: nameOf('syscall/ptrace'), action: 'Block', force: 'enforce' });
    const allow = ruling({ name: nameOf('network/tcp'), action: 'Allow', force: 'enforce' });
    const compiled = compileRules({
      ...unrestricted,
      syscall: { rules: [{ code: 1, ruling: block }], posture: undefined },
      socket: { rules: [{ code: 1, ruling: allow }], posture: defaultOf('network') },
    });
    expect(decideCode(compiled, eventClass.syscall, 1)).toMatchObject({
      verdict: 'DENY',
      name: { ruleId: 'syscall/ptrace' },
    });
    expect(decideCode(compiled, eventClass.syscall, 2)).toMatchObject({ verdict: 'ALLOW', name: undefined });
    expect(decideCode(compiled, eventClass.socket, 1)).toMatchObject({
      verdict: 'ALLOW',
      name: { ruleId: 'network/tcp' },
    });
    expect(decideCode(compiled, eventClass.socket, 6)).toMatchObject({
      verdict: 'DENY',
      name: { ruleId: 'network/default', generation: 3, severity: 5 },
    });
  });
});

describe('a compiled rule set', () => {
  it('has the same bytes whatever the order of the rules, and others for another generation', () => {
    const shuffled = fc
      .array(pathRule, { minLength: 1, maxLength: 10 })
      .chain(rules => fc.tuple(fc.constant(rules), fc.shuffledSubarray(rules, { minLength: rules.length })));
    fc.assert(
      fc.property(shuffled, ([rules, others]) => {
        const token = (of: readonly PathRule[]) =>
          compileRules({ ...unrestricted, file: { rules: of, posture: defaultOf('file') } }).token;
        expect(token(others)).toEqual(token(rules));
        const later = rules.map(rule => ({
          ...rule,
          ruling: { ...rule.ruling, name: { ...rule.ruling.name, generation: 4 } },
        }));
        expect(token(later)).not.toEqual(token(rules));
      }),
    );
  });

  it('never holds the same key twice', () => {
    fc.assert(
      fc.property(fc.array(pathRule, { maxLength: 12 }), rules => {
        const { entries } = compileRules({
          ...unrestricted,
          file: { rules, posture: defaultOf('file') },
          process: { rules, posture: undefined },
        });
        const keys = entries.map(entry => `${entry.class} ${entry.prefixBits} ${entry.data.toString('hex')}`);
        expect(new Set(keys).size).toBe(keys.length);
      }),
    );
  });
});
