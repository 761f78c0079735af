const descriptor =
  /^(\/proc\/(self|thread-self|\d+)(\/task\/\d+)?\/fd|\/dev\/fd)\/\d+$|^\/dev\/std(in|out|err)$/;

/**
 * Whether a path is no object's but leads to whatever a descriptor was opened on: a pipe, mostly. Kernels judge that object, so a
 * rule for such a path is about nothing. Agents that tell the arguments of system calls tell these.
 */
export function isDescriptorPath(path: string): boolean {
  return descriptor.test(path);
}

export const throughDescriptor = 'an object reached through a descriptor, of which the path is not told';
