import kafkajs from 'kafkajs';
import { numbersOf } from './group-members.ts';
import { decodeClaims } from './group-wire.ts';
import { assignerName, decodeAssignment } from './kafkajs-assigner.ts';
import type { DescribedGroup } from './kafkajs-internals.ts';
import type { GroupDescription, MemberDescription } from './port.ts';

/** A group as the port tells of it; null for one that is not there, which brokers call dead. */
export function groupDescription({
  groupId,
  state,
  protocol,
  members,
}: DescribedGroup): GroupDescription | null {
  if (state === 'Dead') return null;
  const described = members.map(member => memberDescription(member, protocol === assignerName));
  return { groupId, state, members: described.sort((a, b) => (a.memberId < b.memberId ? -1 : 1)) };
}

function memberDescription(member: DescribedGroup['members'][number], isOurs: boolean): MemberDescription {
  const { memberId, clientId, clientHost: host, memberMetadata, memberAssignment } = member;
  const { partitions: holds, members } = decodeAssignment(memberAssignment);
  const told = isOurs ? members.find(each => each.memberId === memberId) : undefined;
  const endpoint = isOurs ? decodeClaims(userDataOf(memberMetadata)).endpoint : null;
  const standbys = told?.standbys ?? [];
  return { memberId, clientId, host, endpoint, partitions: numbersOf(holds), standbys, holds };
}

/** Empty while the group rebalances. */
function userDataOf(metadata: Buffer): Buffer | null {
  return metadata.length > 0 ? kafkajs.AssignerProtocol.MemberMetadata.decode(metadata)!.userData : null;
}
