/** Kind of a workload that is known by the labels of its pods only: the labels, spelled out, are its name. */
export const labelledKind = 'Pods';
