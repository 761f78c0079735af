import { describe, expect, it } from 'vitest';
import { type EntityChange, type EntityChangeInput, entityKey, withDefaults } from '#schemas';
import { EntityTable } from './entity-table.ts';
import { ScopeTable } from './scope-table.ts';

const id = 'a'.repeat(64);
const found = { cgroupId: 42, path: '/kubepods/pod1/x', podUid: 'uid-1', containerId: id };

function podChange(over: Partial<EntityChangeInput> = {}, containerId = id): EntityChange {
  return withDefaults('EntityChange', {
    cluster: 'c1',
    kind: 'Pod',
    namespace: 'shop',
    name: 'web-7d9f-abcde',
    uid: 'uid-1',
    op: 'ADDED',
    observedAt: 1,
    pod: withDefaults('PodProjection', {
      labels: { app: 'web' },
      addresses: ['10.0.0.7'],
      ownerKind: 'Deployment',
      owner: 'web',
      containers: [withDefaults('PodContainer', { name: 'nginx', id: containerId, image: 'nginx:1' })],
    }),
    ...over,
  });
}

const put = (entities: EntityTable, change: EntityChange) => entities.apply(entityKey(change), change);

describe('the containers of a node', () => {
  it('are known by container id and pod uid until the entity arrives, by workload from then on', () => {
    const entities = new EntityTable('c1');
    const scopes = new ScopeTable();
    scopes.add(found, entities);
    expect(scopes.get(42)).toMatchObject({
      identified: false,
      container: { id, podUid: 'uid-1', workload: '' },
    });
    put(entities, podChange());
    expect(scopes.identify(entities)).toHaveLength(1);
    expect(scopes.get(42)).toMatchObject({
      identified: true,
      labels: { app: 'web' },
      addresses: ['10.0.0.7'],
      container: {
        name: 'nginx',
        namespace: 'shop',
        pod: 'web-7d9f-abcde',
        workloadKind: 'Deployment',
        workload: 'web',
      },
    });
    expect(scopes.identify(entities)).toEqual([]);
  });

  it('are known at once when the entity was there first', () => {
    const entities = new EntityTable('c1');
    put(entities, podChange());
    expect(new ScopeTable().add(found, entities).identified).toBe(true);
  });

  it('keep their identity when the pod is deleted before the cgroup', () => {
    const entities = new EntityTable('c1');
    put(entities, podChange());
    const scopes = new ScopeTable();
    scopes.add(found, entities);
    put(entities, podChange({ op: 'DELETED' }));
    scopes.identify(entities);
    expect(scopes.get(42)!.container.workload).toBe('web');
  });

  it('are remembered a while after the cgroup is gone, and not listed', () => {
    const entities = new EntityTable('c1');
    const scopes = new ScopeTable({ keepMs: 100 });
    scopes.add(found, entities);
    scopes.remove(42, 1000);
    expect(scopes.scopes).toEqual([]);
    expect(scopes.get(42)).toBeDefined();
    scopes.add({ ...found, cgroupId: 43 }, entities);
    scopes.remove(43, 1200);
    expect(scopes.get(42)).toBeUndefined();
  });

  it('are nobody when two pods claim the container', () => {
    const entities = new EntityTable('c1');
    put(entities, podChange());
    put(entities, podChange({ name: 'other', uid: 'uid-2' }));
    expect(new ScopeTable().add(found, entities).identified).toBe(false);
  });
});

describe('the entities', () => {
  it('of another cluster are left out', () => {
    const entities = new EntityTable('c1');
    expect(put(entities, podChange({ cluster: 'c2' }))).toBe(false);
    expect(entities.size).toBe(0);
  });

  it('go with a tombstone as with a deletion', () => {
    const entities = new EntityTable('c1');
    const pod = podChange();
    put(entities, pod);
    expect(entities.apply(entityKey(pod), null)).toBe(true);
    expect(entities.apply(entityKey(pod), null)).toBe(false);
    expect(entities.podOfContainer(id)).toBeUndefined();
  });

  it('follow a pod whose container was restarted', () => {
    const entities = new EntityTable('c1');
    put(entities, podChange());
    const next = 'b'.repeat(64);
    put(entities, podChange({ op: 'MODIFIED' }, next));
    expect(entities.podOfContainer(id)).toBeUndefined();
    expect(entities.podOfContainer(next)?.container.name).toBe('nginx');
  });

  it('give every namespace its name label', () => {
    const entities = new EntityTable('c1');
    expect(entities.namespaceLabels('shop')).toEqual({ 'kubernetes.io/metadata.name': 'shop' });
    const labels = { team: 'a' };
    put(
      entities,
      withDefaults('EntityChange', {
        cluster: 'c1',
        kind: 'Namespace',
        name: 'shop',
        uid: 'n',
        op: 'ADDED',
        observedAt: 1,
        namespaceObject: withDefaults('NamespaceProjection', { labels }),
      }),
    );
    expect(entities.namespaceLabels('shop')).toEqual({ team: 'a', 'kubernetes.io/metadata.name': 'shop' });
  });
});
