/**
 * Resource definitions of the documents that are not Kubernetes' own.
 *
 * Cilium's come with its Go module. KubeArmor publishes no package that has its own: they are read from a folder where one is
 * given, and made from our own reading of them where none is.
 */

import { cp, mkdir, readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parseAllDocuments } from 'yaml';
import { hostEnvironment, hostPaths } from '#config';
import { SluiceError } from '#errors';
import { goModule } from '#go';
import { obtain } from '#local';
import { kubeArmorHostPolicy, kubeArmorPolicy } from '#policy';
import { definitionOf } from './definition-of.ts';
import type { KubeObject } from './kube-client.ts';

export interface Definitions {
  /** For people: who says that this is the kind's definition. */
  readonly source: string;
  readonly objects: readonly KubeObject[];
}

const judgesFolder = join(import.meta.dirname, '..', 'peers', 'judges');
const cilium = 'github.com/cilium/cilium';
const ciliumKinds = ['ciliumnetworkpolicies.yaml', 'ciliumclusterwidenetworkpolicies.yaml'];

/** Those of the version that our comparison with Cilium is with. Errors: UNREACHABLE with the mend. */
export async function ciliumDefinitions(report: (line: string) => void): Promise<Definitions> {
  const { path, version } = await goModule(judgesFolder, cilium);
  const folder = join(hostPaths().cache, `cilium-definitions-${version}`);
  const fill = async (draft: string) => {
    const crds = join(path, 'pkg', 'k8s', 'apis', 'cilium.io', 'client', 'crds', 'v2');
    await mkdir(draft, { recursive: true });
    for (const file of ciliumKinds) await cp(join(crds, file), join(draft, file));
  };
  await obtain({ folder, says: `the resource definitions of Cilium ${version}`, fill }, report);
  return { source: `Cilium ${version}`, objects: await readDefinitions(folder) };
}

const folderVariable = 'SLUICE_KUBEARMOR_DEFINITIONS';

/** Errors: INPUT_INVALID when the folder that is given has not what it should. */
export async function kubeArmorDefinitions(): Promise<Definitions> {
  const folder = hostEnvironment()[folderVariable];
  if (folder === undefined || folder === '') return ownKubeArmorDefinitions();
  const objects = await readDefinitions(folder);
  for (const kind of ['kubearmorpolicies', 'kubearmorhostpolicies'])
    if (!objects.some(({ metadata }) => metadata.name.startsWith(`${kind}.`)))
      throw new SluiceError('INPUT_INVALID', `${folder} (${folderVariable}) has no definition of ${kind}`);
  return { source: `KubeArmor, from ${folder}`, objects };
}

/** What our own schemas say of the kinds. */
export function ownKubeArmorDefinitions(): Definitions {
  const group = { group: 'security.kubearmor.com', version: 'v1' };
  return {
    source: `our own reading of KubeArmor's (${folderVariable} names no folder that has them)`,
    objects: [
      definitionOf(kubeArmorPolicy, { ...group, kind: 'KubeArmorPolicy', scope: 'Namespaced' }),
      definitionOf(kubeArmorHostPolicy, { ...group, kind: 'KubeArmorHostPolicy', scope: 'Cluster' }),
    ],
  };
}

async function readDefinitions(folder: string): Promise<KubeObject[]> {
  const files = (await readdir(folder)).filter(name => name.endsWith('.yaml')).sort();
  const texts = await Promise.all(files.map(file => readFile(join(folder, file), 'utf8')));
  return texts
    .flatMap(text => parseAllDocuments(text).map(document => document.toJS() as KubeObject | null))
    .filter(object => object !== null)
    .filter(({ kind }) => kind === 'CustomResourceDefinition');
}
