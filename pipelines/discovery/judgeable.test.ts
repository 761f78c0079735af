import { expect, it } from 'vitest';
import { PolicySet } from './decide.ts';
import { cilium, kubeArmor } from './decide-examples.ts';

const paths = (entry: object) => ({ process: { matchPaths: [{ path: '/bin/sh', ...entry }] } });

it.each([
  ['terminals', kubeArmor(paths({ pts: true })), 'spec.process.matchPaths[0]: pts depends'],
  ['arguments', kubeArmor(paths({ allowedArgs: ['-c'] })), 'allowedArgs depend'],
  ['a preset', kubeArmor({ presets: [{ name: 'exec', action: 'Block' }] }), 'preset is not told'],
  ['text for AppArmor', kubeArmor({ apparmor: 'deny /etc/** w,' }), 'apparmor is not told'],
  [
    'system calls on a path',
    kubeArmor({ syscalls: { matchPaths: [{ path: '/a', syscall: ['unlink'] }] } }),
    'a path of system calls is not told',
  ],
  [
    'a pattern that is none',
    kubeArmor({ file: { matchPatterns: [{ pattern: '/a/[b' }] } }),
    'close its brackets',
  ],
  [
    'labels of nodes that are denied',
    cilium({ egressDeny: [{ toNodes: [{ matchLabels: { zone: 'a' } }] }] }),
    'labels of nodes are not told',
  ],
])('what depends on %s is refused, naming the place and the mend', (_, policy, why) => {
  expect(() => new PolicySet([policy])).toThrow(why);
});

it('what events tell is judged', () => {
  const policy = kubeArmor({
    ...paths({ ownerOnly: true, fromSource: [{ path: '/bin/a' }] }),
    file: { matchPatterns: [{ pattern: '/a/{b,c}/[de]*' }] },
    syscalls: { matchSyscalls: [{ syscall: ['ptrace'] }] },
  });
  expect(() => new PolicySet([policy])).not.toThrow();
});
