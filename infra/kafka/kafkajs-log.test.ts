import { logLevel } from 'kafkajs';
import { expect, it } from 'vitest';
import { toTransportLog } from './kafkajs-log.ts';

function logged(level: logLevel, message: string, fields: object = {}): string[] {
  const lines: string[] = [];
  const line = (name: string) => (_fields: object, text: string) => void lines.push(`${name} ${text}`);
  const logger = { debug: line('debug'), info: line('info'), warn: line('warn'), error: line('error') };
  const log = { timestamp: '', message, ...fields };
  toTransportLog(logger)(logLevel.INFO)({ level, label: '', namespace: 'Consumer', log });
  return lines;
}

it('hands what kafkajs will try again on as debug', () => {
  const error = 'The coordinator is loading and hence can’t process requests for this group';
  expect(logged(logLevel.ERROR, 'Response JoinGroup(key: 11, version: 5)', { error })).toEqual([
    'debug kafkajs: Response JoinGroup(key: 11, version: 5)',
  ]);
  expect(logged(logLevel.WARN, 'The group is rebalancing, re-joining')[0]).toMatch(/^debug/);
  expect(logged(logLevel.INFO, 'Consumer has joined the group')[0]).toMatch(/^debug/);
});

it('never calls anything of kafkajs an error: what it gives up rejects at the caller', () => {
  expect(logged(logLevel.ERROR, 'Something nobody has seen before')[0]).toMatch(/^warn/);
});
