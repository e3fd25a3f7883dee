import { describe, expect, it } from 'vitest';
import { LogThreshold } from '../../../src/base/logThreshold.ts';
import { createLineLogger, formatLine } from '../../../src/main/server/lineLogger.ts';

const time = new Date(2026, 0, 5, 7, 8, 9, 45);

describe('log lines', () => {
  it('have Kafka\'s form', () => {
    expect(formatLine(time, 'info', 'hello', { port: 9092, host: 'a', list: [1, 2], none: undefined })).toBe('[2026-01-05 07:08:09,045] INFO hello (port=9092, host=a, list=[1,2])\n');
    expect(formatLine(time, 'warn', 'plain', {})).toBe('[2026-01-05 07:08:09,045] WARN plain\n');
  });

  it('cannot be forged by text from outside', () => {
    const line = formatLine(time, 'warn', 'name\n[2026-01-05] INFO all is well', { client: 'a\r\n\u001b[31mb', nested: { key: 'x\ny' } });
    expect(line.split('\n').length).toBe(2);
    expect(line).not.toContain('\u001b');
  });

  it('show the stack of an error below', () => {
    const error = new Error('broken');
    expect(formatLine(time, 'error', 'failed', { error, id: 1 })).toBe(`[2026-01-05 07:08:09,045] ERROR failed (id=1)\n${error.stack}\n`);
  });

  it('leave out what is below the level, and carry the fields of their parent', () => {
    const lines: string[] = [];
    const logger = createLineLogger(new LogThreshold('WARN'), (line) => lines.push(line), () => time).child({ node: 1 });
    logger.info('no');
    logger.debug('no');
    logger.warn('yes', { topic: 't' });
    logger.error('also');
    expect(lines.map((line) => line.slice(26))).toEqual(['WARN yes (node=1, topic=t)\n', 'ERROR also (node=1)\n']);
  });
});
