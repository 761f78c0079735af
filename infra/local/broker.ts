import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { access, mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { SluiceError } from '#errors';
import { brokerAnswers } from './answers.ts';
import { loopback } from './ports.ts';
import type { ServicePlan } from './service.ts';

/** A second listener for clients that reach this machine under another address, like a guest kernel behind NAT. */
export interface GuestListener {
  /** Bound on the loopback address. */
  readonly port: number;
  /** The address such clients are told to connect to. */
  readonly advertisedHost: string;
}

export interface BrokerSetup {
  readonly java: string;
  /** Folder of Kafka's jars. */
  readonly jars: string;
  /** Its own folder: configuration and data. */
  readonly folder: string;
  readonly logFile: string;
  readonly port: number;
  readonly controllerPort: number;
  readonly guestListener?: GuestListener | undefined;
}

const run = promisify(execFile);
const log4j = join(import.meta.dirname, 'kafka', 'log4j2.xml');
const memory = ['-Xms128m', '-Xmx512m', '-XX:+UseSerialGC'];

/** A broker that is its own controller, on loopback only. */
export function planBroker(setup: BrokerSetup): ServicePlan {
  const { java, jars, folder, logFile, port } = setup;
  const classPath = ['-cp', join(jars, '*'), `-Dlog4j2.configurationFile=${log4j}`];
  return {
    name: 'broker',
    program: java,
    args: [...memory, ...classPath, 'kafka.Kafka', 'server.properties'],
    cwd: folder,
    logFile,
    async prepare() {
      await mkdir(folder, { recursive: true });
      await writeFile(join(folder, 'server.properties'), brokerProperties(setup));
      await format(folder, java, classPath);
    },
    answers: () => brokerAnswers(port),
  };
}

/** The whole configuration; what it leaves out is Kafka's default. */
export function brokerProperties({ port, controllerPort, guestListener }: BrokerSetup): string {
  const plain = `PLAINTEXT://${loopback}:${port}`;
  const guest = guestListener && {
    bound: `GUEST://${loopback}:${guestListener.port}`,
    told: `GUEST://${guestListener.advertisedHost}:${guestListener.port}`,
  };
  const properties: Record<string, string | number | boolean> = {
    'process.roles': 'broker,controller',
    'node.id': 1,
    // Static, because the log of a dynamic quorum remembers the port and a checkout may change it.
    'controller.quorum.voters': `1@${loopback}:${controllerPort}`,
    listeners: [plain, `CONTROLLER://${loopback}:${controllerPort}`, ...(guest ? [guest.bound] : [])].join(
      ',',
    ),
    'advertised.listeners': [plain, ...(guest ? [guest.told] : [])].join(','),
    'listener.security.protocol.map': 'PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT,GUEST:PLAINTEXT',
    'controller.listener.names': 'CONTROLLER',
    'inter.broker.listener.name': 'PLAINTEXT',
    // Relative to its folder: a comma in a path would make two of it.
    'log.dirs': 'data',
    'auto.create.topics.enable': false,
    'num.partitions': 1,
    'default.replication.factor': 1,
    'min.insync.replicas': 1,
    'offsets.topic.replication.factor': 1,
    'offsets.topic.num.partitions': 1,
    'transaction.state.log.replication.factor': 1,
    'transaction.state.log.min.isr': 1,
    'transaction.state.log.num.partitions': 1,
    'share.coordinator.state.topic.replication.factor': 1,
    'share.coordinator.state.topic.min.isr': 1,
    'share.coordinator.state.topic.num.partitions': 1,
    'group.initial.rebalance.delay.ms': 0,
    'log.cleaner.dedupe.buffer.size': 8_388_608,
    'num.network.threads': 2,
    'num.io.threads': 2,
    'background.threads': 2,
  };
  return `${Object.entries(properties)
    .map(([key, value]) => `${key}=${value}`)
    .join('\n')}\n`;
}

/** A folder is formatted once; one whose formatting was interrupted is formatted anew. */
async function format(folder: string, java: string, classPath: readonly string[]): Promise<void> {
  const done = join(folder, 'formatted');
  if (
    await access(done).then(
      () => true,
      () => false,
    )
  )
    return;
  await rm(join(folder, 'data'), { recursive: true, force: true });
  const clusterId = randomBytes(16).toString('base64url');
  const args = [
    ...memory,
    ...classPath,
    'kafka.tools.StorageTool',
    'format',
    // In one word: an id may begin with a dash.
    `--cluster-id=${clusterId}`,
    '-c',
    'server.properties',
  ];
  try {
    await run(java, args, { cwd: folder });
  } catch (error) {
    const said = String((error as { stderr?: unknown }).stderr ?? error).trim();
    throw new SluiceError('UNREACHABLE', `The broker's folder ${folder} could not be formatted: ${said}`, {
      cause: error,
    });
  }
  await writeFile(done, `${clusterId}\n`);
}
