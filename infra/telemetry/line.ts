interface Entry {
  readonly time: string;
  readonly level: string;
  readonly name: string;
  readonly msg?: string;
  readonly err?: {
    readonly code?: string;
    readonly type?: string;
    readonly message?: string;
    readonly stack?: string;
  };
}

/** A logged JSON object as one line for a terminal: `12:04:31 WARN  enrich  behind by 3 s  partition=2`; a stack goes below it. */
export function toLine(json: string): string {
  const { time, level, name, msg = '', err, ...fields } = JSON.parse(json) as Entry & Record<string, unknown>;
  const head = [time.slice(11, 19), level.toUpperCase().padEnd(5), name, oneLine(msg)];
  const tail = Object.entries(fields).map(([key, value]) => `${key}=${show(value)}`);
  if (err !== undefined) tail.push(`[${err.code ?? err.type ?? 'Error'}] ${oneLine(err.message ?? '')}`);
  const stack = err?.stack === undefined || level === 'warn' ? '' : `\n${indentedFrames(err.stack)}`;
  return `${[...head, ...tail].filter(part => part !== '').join('  ')}${stack}\n`;
}

function show(value: unknown): string {
  if (typeof value !== 'string') return oneLine(JSON.stringify(value));
  return /^[\w./:@+-]+$/.test(value) ? value : oneLine(JSON.stringify(value));
}

/** Escapes what would break the line or drive the terminal: a logged name may come from a workload. */
function oneLine(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is escaped
  return text.replace(/[\u0000-\u001f\u007f-\u009f]/g, c => JSON.stringify(c).slice(1, -1));
}

function indentedFrames(stack: string): string {
  const frames = stack.split('\n').filter(line => line.trimStart().startsWith('at '));
  return frames.map(line => `    ${oneLine(line.trim())}`).join('\n');
}
