import { describe, expect, it } from 'vitest';
import { detectFormat } from './detect-format.ts';

const detect = (text: string) => detectFormat(Buffer.from(text), 'in.x');

describe('the format of an input', () => {
  it.each([
    ['hubble', '{"flow":{"verdict":"FORWARDED"},"node_name":"n"}\n'],
    ['hubble', '[\n {"verdict": "FORWARDED", "IP": {}, "l4": {}}\n]'],
    ['hubble', 'noise\n{"lost_events":{}}\n'],
    ['kubearmor', '{"Operation":"File","Resource":"/x","HostName":"n"}'],
    ['kubearmor', '[{"operation":"file","resource":"/x","hostname":"n"}]'],
    [undefined, ' \n\n'],
  ])('is %s by content: %s', (format, text) => expect(detect(text)).toBe(format));

  it.each([
    ['is in no format', 'kind: Pod\n'],
    ['is in no format', '{"a":1}'],
    ['looks like hubble and kubearmor', '{"flow":{}}\n{"operation":"File","data":""}'],
  ])('that %s is refused with the mend: %s', (what, text) => {
    const refusal = () => detect(text);
    expect(refusal).toThrow(expect.objectContaining({ code: 'CONFIG_INVALID' }));
    expect(refusal).toThrow(new RegExp(`in\\.x ${what}.*--format hubble\\|kubearmor`));
  });
});
