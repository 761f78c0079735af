/**
 * The arrows: cli, console → agents, pipelines, connectors → streams → kafka, registry, telemetry, config → schemas → errors.
 * Agents never import agents, pipelines never import pipelines: they meet in topics. Only verify and aggregate ask: the first how others
 * judge, the second whose an event is.
 */
const only = (name, library, owners) => ({
  name,
  severity: 'error',
  from: { pathNot: owners },
  to: { path: `node_modules/${library}/` },
});

module.exports = {
  forbidden: [
    { name: 'no-cycle', severity: 'error', from: {}, to: { circular: true } },
    { name: 'no-orphan-package', severity: 'error', from: {}, to: { couldNotResolve: true } },
    {
      name: 'errors-is-a-leaf',
      severity: 'error',
      from: { path: '^infra/errors/' },
      to: { path: '^(agents|cli|connectors|pipelines|schemas|infra/(?!errors))' },
    },
    {
      name: 'schemas-know-nothing-above',
      severity: 'error',
      from: { path: '^schemas/', pathNot: '\\.test\\.ts$' },
      to: { path: '^(agents|cli|connectors|pipelines|infra/(?!errors))' },
    },
    {
      name: 'plumbing-knows-no-part',
      severity: 'error',
      from: { path: '^infra/(kafka|recordings|registry|config|telemetry)/' },
      to: { path: '^(agents|cli|connectors|pipelines)/' },
    },
    {
      name: 'streams-know-no-pipeline',
      severity: 'error',
      from: { path: '^pipelines/streams/' },
      to: { path: '^(agents|cli|connectors|pipelines/(?!streams/))' },
    },
    {
      name: 'pipelines-meet-in-topics',
      severity: 'error',
      from: { path: '^pipelines/(?!(?:streams|verify|aggregate)/)([^/]+)/', pathNot: '\\.test\\.ts$' },
      to: { path: '^(agents|cli|connectors|pipelines)/', pathNot: '^pipelines/(streams|$1)/' },
    },
    {
      // Verifying is judging by what discovery and enrich say of an access: their faces, nothing behind them.
      name: 'verify-judges-with-the-others-words',
      severity: 'error',
      from: { path: '^pipelines/verify/', pathNot: '\\.test\\.ts$' },
      to: {
        path: '^(agents|cli|connectors|pipelines)/',
        pathNot: '^pipelines/((streams|verify)/|(discovery|enrich)/index\\.ts$)',
      },
    },
    {
      // Whose an event is has one answer (I3): enrich's.
      name: 'aggregate-asks-enrich-who',
      severity: 'error',
      from: { path: '^pipelines/aggregate/', pathNot: '\\.test\\.ts$' },
      to: {
        path: '^(agents|cli|connectors|pipelines)/',
        pathNot: '^pipelines/((streams|aggregate)/|enrich/index\\.ts$)',
      },
    },
    {
      name: 'agents-meet-in-topics',
      severity: 'error',
      from: { path: '^agents/([^/]+)/', pathNot: '\\.test\\.ts$' },
      to: { path: '^(agents|cli|connectors|pipelines)/', pathNot: '^agents/$1/' },
    },
    {
      // A benchmark measures what a command does.
      name: 'nothing-imports-the-cli',
      severity: 'error',
      from: { pathNot: '^(cli|infra/bench)/' },
      to: { path: '^cli/' },
    },
    only('kafkajs-owner', 'kafkajs', '^infra/kafka/'),
    only('avsc-owner', 'avsc', '^schemas/'),
    only('stock-registry-owner', '@kafkajs/confluent-schema-registry', '^(infra/registry|schemas)/'),
    only('prom-client-owner', 'prom-client', '^pipelines/streams/observe/'),
    {
      name: 'sqlite-owner',
      severity: 'error',
      from: { pathNot: '^pipelines/streams/store/' },
      to: { path: '^(node:)?sqlite$' },
    },
    only('jobs-owner', '(bullmq|ioredis)', '^pipelines/verify/jobs/'),
    only('disk-store-owner', '(classic-level|lmdb)', '^pipelines/streams/store/'),
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    exclude: { path: '(^|/)golden/' },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      conditionNames: ['import', 'require', 'node', 'default'],
    },
  },
};
