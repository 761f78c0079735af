import type { ApplicationStatus, MemberStatus } from './applications.ts';
import { textTable } from './text-table.ts';

/** Applications for eyes: a table of them, one of their members, and what kept any of those silent. */
export function applicationText(applications: readonly ApplicationStatus[]): string {
  if (applications.length === 0) return 'no application has run here\n';
  const members = applications.flatMap(({ application, members }) =>
    members.map(member => ({ application, member })),
  );
  const silent = members.filter(({ member }) => member.silence !== null);
  return [
    textTable([
      ['APPLICATION', 'GROUP', 'MEMBERS', 'LAG'],
      ...applications.map(({ application, state, members, lag }) => [
        application,
        state,
        String(members.length),
        lagText(lag),
      ]),
    ]),
    ...(members.length > 0
      ? [textTable([head, ...members.map(({ application, member }) => row(application, member))])]
      : []),
    ...(silent.length > 0
      ? [
          silent
            .map(
              ({ member }) => `${printable(member.memberId)} says nothing: ${printable(member.silence!)}\n`,
            )
            .join(''),
        ]
      : []),
  ].join('\n');
}

const head = [
  ...['APPLICATION', 'MEMBER', 'ENDPOINT', 'PARTITIONS', 'COPIES', 'STATE', 'RECORDS/S', 'MS/RECORD'],
  ...['MS/COMMIT', 'LATE', 'DROPPED', 'DEAD', 'RESTORE'],
];

function row(application: string, { memberId, endpoint, partitions, standbys, process }: MemberStatus) {
  const held = [numbersText(partitions), numbersText(standbys)];
  const about = [application, printable(memberId), printable(endpoint ?? '-'), ...held];
  if (!process) return about;
  const { state, recordsPerSecond, recordMs, commitMs, late, dropped, deadLetters, restoreLeft } = process;
  return [
    ...[...about, printable(state), recordsPerSecond.toFixed(0), recordMs.toFixed(4), commitMs.toFixed(1)],
    ...[late, dropped, deadLetters].map(String),
    restoreLeft > 0 ? `${restoreLeft} left` : '-',
  ];
}

/** The sum, and the topics it is made of. */
function lagText(lag: ApplicationStatus['lag']): string {
  const sum = lag.reduce((total, { records }) => total + records, 0);
  const parts = lag.filter(({ records }) => records > 0).map(({ topic, records }) => `${topic} ${records}`);
  return parts.length === 0 ? '0' : `${sum} (${parts.join(', ')})`;
}

/** `0-2,5`; `-` for none. */
export function numbersText(numbers: readonly number[]): string {
  const runs: [number, number][] = [];
  for (const number of numbers) {
    const last = runs.at(-1);
    if (last && last[1] === number - 1) last[1] = number;
    else runs.push([number, number]);
  }
  return runs.map(([from, to]) => (from === to ? `${from}` : `${from}-${to}`)).join(',') || '-';
}

/** What others said must not drive the terminal. */
function printable(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is taken away
  return text.replace(/[\u0000-\u001f\u007f-\u009f]/g, '?');
}
