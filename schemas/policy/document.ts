/** Policy documents from objects and text. */

import { parseAllDocuments } from 'yaml';
import type { z } from 'zod';
import { SluiceError } from '#errors';
import type { PolicyDocument } from '../generated/types.ts';
import { canonicalJson } from './canonical.ts';
import { type CiliumPolicy, ciliumClusterwideNetworkPolicy, ciliumNetworkPolicy } from './cilium-policy.ts';
import {
  type KubeArmorHostPolicy,
  type KubeArmorPolicy,
  kubeArmorHostPolicy,
  kubeArmorPolicy,
} from './kubearmor-policy.ts';
import { type NetworkPolicy, networkPolicy } from './network-policy.ts';

/** A document a node can enforce; tell them apart by `kind`. */
export type PolicyObject = KubeArmorPolicy | NetworkPolicy;
/** A document Sluice reads, writes and judges. */
export type AnyPolicyObject = PolicyObject | KubeArmorHostPolicy | CiliumPolicy;

const kinds = { KubeArmorPolicy: kubeArmorPolicy, NetworkPolicy: networkPolicy };
const allKinds = {
  ...kinds,
  KubeArmorHostPolicy: kubeArmorHostPolicy,
  CiliumNetworkPolicy: ciliumNetworkPolicy,
  CiliumClusterwideNetworkPolicy: ciliumClusterwideNetworkPolicy,
};

/**
 * The object, checked field by field. `where` says where it came from.
 * Errors: POLICY_INVALID naming every field that is wrong, missing or unknown, and what to write instead.
 */
export function parsePolicyObject(value: unknown, where: string): PolicyObject {
  return parseWith<PolicyObject>(kinds, value, where);
}

/** As `parsePolicyObject`, of any kind. Errors: POLICY_INVALID. */
export function parseAnyPolicy(value: unknown, where: string): AnyPolicyObject {
  return parseWith<AnyPolicyObject>(allKinds, value, where);
}

function parseWith<T>(schemas: Readonly<Record<string, z.ZodType<T>>>, value: unknown, where: string): T {
  const { kind, name } = headOf(value);
  if (!Object.hasOwn(schemas, kind)) {
    throw invalid(where, [`kind: ${JSON.stringify(kind)} is not one of ${Object.keys(schemas).join(', ')}`]);
  }
  const result = schemas[kind]!.safeParse(value);
  if (result.success) return result.data;
  throw invalid(`${where}: ${kind}${name && ` ${name}`}`, result.error.issues.flatMap(mendsOf));
}

/**
 * All documents of a YAML or JSON text, empty ones left out.
 * Errors: POLICY_INVALID with line and column, or as `parsePolicyObject`.
 */
export function parsePolicyText(text: string, where: string): PolicyObject[] {
  return textWith(parsePolicyObject, text, where);
}

/** As `parsePolicyText`, of any kind. Errors: POLICY_INVALID. */
export function parseAnyPolicyText(text: string, where: string): AnyPolicyObject[] {
  return textWith(parseAnyPolicy, text, where);
}

function textWith<T>(parse: (value: unknown, where: string) => T, text: string, where: string): T[] {
  const documents = parseAllDocuments(text);
  if ('empty' in documents) return [];
  return documents.flatMap((document, index) => {
    const [error] = document.errors;
    if (error) throw invalid(where, [error.message.split('\n')[0]!]);
    const value: unknown = document.toJS();
    const place = documents.length > 1 ? `${where}, document ${index + 1}` : where;
    return value === null ? [] : [parse(value, place)];
  });
}

/** The object of a policy record's document. Errors: POLICY_INVALID. */
export function parseDocument(document: PolicyDocument): PolicyObject {
  return recordedWith(parsePolicyObject, document);
}

/** As `parseDocument`, of any kind. Errors: POLICY_INVALID. */
export function parseAnyDocument(document: PolicyDocument): AnyPolicyObject {
  return recordedWith(parseAnyPolicy, document);
}

function recordedWith<T extends AnyPolicyObject>(
  parse: (value: unknown, where: string) => T,
  { kind, name, content }: PolicyDocument,
): T {
  const where = `document ${kind} ${name}`;
  let value: unknown;
  try {
    value = JSON.parse(content);
  } catch (error) {
    throw invalid(where, [`its content is no JSON: ${(error as Error).message}`]);
  }
  const object = parse(value, where);
  if (object.kind !== kind || object.metadata.name !== name) {
    throw invalid(where, [
      `it holds ${object.kind} ${object.metadata.name}: the record must name what it holds`,
    ]);
  }
  return object;
}

/** The document of a policy record: the object as canonical JSON. */
export function documentOf(object: AnyPolicyObject): PolicyDocument {
  const { apiVersion, kind, metadata } = object;
  return { apiVersion, kind, name: metadata.name, content: canonicalJson(object) };
}

function headOf(value: unknown): { kind: string; name: string } {
  const { kind, metadata } = (value ?? {}) as { kind?: unknown; metadata?: { name?: unknown } };
  return {
    kind: typeof kind === 'string' ? kind : '',
    name: typeof metadata?.name === 'string' ? metadata.name : '',
  };
}

type Issue = z.core.$ZodIssue;

function mendsOf(issue: Issue): string[] {
  const place = placeOf(issue.path);
  if (issue.code === 'unrecognized_keys') {
    return issue.keys.map(key => `${placeOf([...issue.path, key])}: there is no such field: remove it`);
  }
  if (issue.code === 'invalid_union') {
    const closest = issue.errors.find(errors => errors.length > 0)?.[0];
    return [`${place}: ${closest?.message ?? issue.message}`];
  }
  return [`${place}: ${issue.message}`];
}

/** `spec.file.matchPaths[2].path` */
function placeOf(path: readonly PropertyKey[]): string {
  return path.reduce<string>((place, step) => {
    if (typeof step === 'number') return `${place}[${step}]`;
    return place === '' ? String(step) : `${place}.${String(step)}`;
  }, '');
}

function invalid(where: string, mends: readonly string[]): SluiceError {
  return new SluiceError('POLICY_INVALID', `${where}: ${mends.join('; ')}`);
}
