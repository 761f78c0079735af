import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { SluiceError } from '#errors';
import { createLogger, type LoggerOptions } from './logger.ts';

function gather(options: Partial<LoggerOptions> = {}) {
  const lines: string[] = [];
  const logger = createLogger({ name: 'enrich', to: { write: line => lines.push(line) }, ...options });
  return { logger, lines };
}

test('a line for machines is one JSON object with the part, the level by name and the time', () => {
  const { logger, lines } = gather();
  logger.warn({ partition: 2 }, 'behind');
  expect(JSON.parse(lines[0] ?? '')).toEqual({
    level: 'warn',
    name: 'enrich',
    partition: 2,
    msg: 'behind',
    time: expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/),
  });
});

test('an error of the catalogue keeps its code and reaction', () => {
  const { logger, lines } = gather();
  logger.error({ err: new SluiceError('RECORD_CORRUPT', 'offset 7 is no Avro') }, 'put aside');
  expect(JSON.parse(lines[0] ?? '').err).toMatchObject({
    code: 'RECORD_CORRUPT',
    reaction: 'dead-letter',
    stage: 'RECEIVING',
    message: 'offset 7 is no Avro',
  });
});

test('secrets handed to a logger are not written', () => {
  const { logger, lines } = gather();
  logger.info({ password: 'hunter2', headers: { authorization: 'Basic hunter2' } }, 'connecting');
  expect(lines.join('')).not.toContain('hunter2');
});

test('a line for eyes is one line', () => {
  const { logger, lines } = gather({ form: 'text' });
  logger.info({ partition: 2, topic: 'a b' }, 'caught up');
  expect(lines[0]).toMatch(/^\d\d:\d\d:\d\d {2}INFO {3}enrich {2}caught up {2}partition=2 {2}topic="a b"\n$/);
});

test('text from outside cannot break the line nor drive the terminal', () => {
  const { logger, lines } = gather({ form: 'text' });
  logger.warn(
    { path: '/tmp/\u001b[2J\nERROR forged', err: new Error('x\ny') },
    'odd \u001b[31mname\nERROR forged',
  );
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what must be absent
  expect(lines[0]).toMatch(/^[^\u0000-\u001f]*\n$/);
});

test('an error for eyes shows its frames below; a warning does not', () => {
  const { logger, lines } = gather({ form: 'text' });
  logger.warn({ err: new Error('again') }, 'retrying');
  logger.error({ err: new Error('no more') }, 'gave up');
  expect(lines[0]?.split('\n').length).toBe(2);
  expect(lines[1]).toContain('[Error] no more\n    at ');
});

test('debug is silent unless asked for', () => {
  const { logger, lines } = gather();
  logger.debug('detail');
  expect(lines).toEqual([]);
});

test('the last words before an abrupt exit reach standard error, and nothing goes to standard output', () => {
  const program = `import { createLogger } from ${JSON.stringify(join(import.meta.dirname, 'logger.ts'))};
    createLogger({ name: 'last' }).error('words'); process.exit(3);`;
  const child = spawnSync(process.execPath, ['--input-type=module', '-e', program], { encoding: 'utf8' });
  expect(child.status).toBe(3);
  expect(JSON.parse(child.stderr)).toMatchObject({ name: 'last', msg: 'words' });
  expect(child.stdout).toBe('');
});
