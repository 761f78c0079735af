import { execFile } from 'node:child_process';
import { readdir, readFile, readlink } from 'node:fs/promises';
import { promisify } from 'node:util';

const run = promisify(execFile);
const listening = '0A';

/** Who listens on a local TCP port, as `pid 4711 (java -Xmx512m …)`; undefined when that cannot be known from here. */
export async function portHolder(port: number): Promise<string | undefined> {
  const pid = process.platform === 'linux' ? await pidOnLinux(port) : await pidByLsof(port);
  if (pid === undefined) return undefined;
  const command = await commandOf(pid);
  return command === undefined ? `pid ${pid}` : `pid ${pid} (${command})`;
}

/** The kernel says which socket listens; the socket's inode is then looked for among every process's open files. */
async function pidOnLinux(port: number): Promise<number | undefined> {
  const inodes = new Set<string>();
  for (const table of ['/proc/net/tcp', '/proc/net/tcp6']) {
    for (const line of (await readFile(table, 'utf8').catch(() => '')).split('\n').slice(1)) {
      const fields = line.trim().split(/\s+/);
      const localPort = Number.parseInt(fields[1]?.split(':')[1] ?? '', 16);
      if (fields[3] === listening && localPort === port) inodes.add(`socket:[${fields[9]}]`);
    }
  }
  if (inodes.size === 0) return undefined;
  for (const entry of await readdir('/proc')) {
    if (!/^\d+$/.test(entry)) continue;
    for (const file of await readdir(`/proc/${entry}/fd`).catch(() => [])) {
      const target = await readlink(`/proc/${entry}/fd/${file}`).catch(() => '');
      if (inodes.has(target)) return Number(entry);
    }
  }
  return undefined;
}

async function pidByLsof(port: number): Promise<number | undefined> {
  try {
    const { stdout } = await run('lsof', ['-nP', '-t', `-iTCP:${port}`, '-sTCP:LISTEN']);
    return Number.parseInt(stdout, 10) || undefined;
  } catch {
    return undefined;
  }
}

async function commandOf(pid: number): Promise<string | undefined> {
  try {
    const { stdout } = await run('ps', ['-o', 'args=', '-p', String(pid)]);
    const line = stdout.trim();
    return line.length > 80 ? `${line.slice(0, 79)}…` : line;
  } catch {
    return undefined;
  }
}
