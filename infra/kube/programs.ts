/** The programs of an API server: etcd and kube-apiserver, of the versions that their go.mod name. */

import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { SluiceError } from '#errors';
import { goProgram } from '#go';

export interface KubePrograms {
  readonly etcd: string;
  readonly apiServer: string;
}

const etcdFolder = join(import.meta.dirname, 'etcd');
const apiServerFolder = join(import.meta.dirname, 'apiserver');

/** Paths of both, after building what the cache lacks, which takes minutes. Errors: UNREACHABLE with the mend. */
export async function kubePrograms(report: (line: string) => void): Promise<KubePrograms> {
  const etcdVersion = await requiredVersion(etcdFolder, 'go.etcd.io/etcd/server/v3');
  const kubeVersion = await requiredVersion(apiServerFolder, 'k8s.io/kubernetes');
  const etcd = await goProgram({
    ...{ name: 'etcd', says: `etcd ${etcdVersion}`, folder: etcdFolder, report },
  });
  const apiServer = await goProgram({
    ...{ name: 'kube-apiserver', says: `kube-apiserver ${kubeVersion}`, folder: apiServerFolder, report },
    // Without it the server says it is v0.0.0, and turns off what is newer than that.
    variables: { 'k8s.io/component-base/version.gitVersion': kubeVersion },
  });
  return { etcd, apiServer };
}

async function requiredVersion(folder: string, module: string): Promise<string> {
  const text = await readFile(join(folder, 'go.mod'), 'utf8');
  const line = text.split('\n').find(each => each.includes(`${module} v`) && !each.includes('=>'));
  const version = line?.trim().split(/\s+/).at(-1);
  if (version === undefined) throw new SluiceError('BUG', `${folder}/go.mod requires no ${module}`);
  return version;
}
