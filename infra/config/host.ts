import { homedir } from 'node:os';
import { delimiter, join } from 'node:path';
import process from 'node:process';

export interface HostPaths {
  /** Undefined when JAVA_HOME is not set. */
  readonly javaHome: string | undefined;
  /** Folders of PATH, in order. */
  readonly executables: readonly string[];
  /** Where Sluice keeps downloads that every checkout shares. */
  readonly cache: string;
}

/** What the host's own variables (not ours) say about where things are. */
export function hostPaths(env: Readonly<Record<string, string | undefined>> = process.env): HostPaths {
  return {
    javaHome: env.JAVA_HOME || undefined,
    executables: (env.PATH ?? '').split(delimiter).filter(folder => folder !== ''),
    cache: join(env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'sluice'),
  };
}

/** The whole environment, to hand on to a program that is started. */
export function hostEnvironment(): NodeJS.ProcessEnv {
  return { ...process.env };
}
